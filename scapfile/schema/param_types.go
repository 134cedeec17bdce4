package schema

// ParamType is the encoding of a parameter (PT_ constants of the libs' driver/ppm_events_public.h).
type ParamType uint8

// Parameter types. Sizes and encodings are in the comments of ParamType.Size and package scapfile.
const (
	PT_NONE               ParamType = 0
	PT_INT8               ParamType = 1
	PT_INT16              ParamType = 2
	PT_INT32              ParamType = 3
	PT_INT64              ParamType = 4
	PT_UINT8              ParamType = 5
	PT_UINT16             ParamType = 6
	PT_UINT32             ParamType = 7
	PT_UINT64             ParamType = 8
	PT_CHARBUF            ParamType = 9
	PT_BYTEBUF            ParamType = 10
	PT_ERRNO              ParamType = 11
	PT_SOCKADDR           ParamType = 12
	PT_SOCKTUPLE          ParamType = 13
	PT_FD                 ParamType = 14
	PT_PID                ParamType = 15
	PT_FDLIST             ParamType = 16
	PT_FSPATH             ParamType = 17
	PT_SYSCALLID          ParamType = 18
	PT_SIGTYPE            ParamType = 19
	PT_RELTIME            ParamType = 20
	PT_ABSTIME            ParamType = 21
	PT_PORT               ParamType = 22
	PT_L4PROTO            ParamType = 23
	PT_SOCKFAMILY         ParamType = 24
	PT_BOOL               ParamType = 25
	PT_IPV4ADDR           ParamType = 26
	PT_DYN                ParamType = 27
	PT_FLAGS8             ParamType = 28
	PT_FLAGS16            ParamType = 29
	PT_FLAGS32            ParamType = 30
	PT_UID                ParamType = 31
	PT_GID                ParamType = 32
	PT_DOUBLE             ParamType = 33
	PT_SIGSET             ParamType = 34
	PT_CHARBUFARRAY       ParamType = 35
	PT_CHARBUF_PAIR_ARRAY ParamType = 36
	PT_IPV4NET            ParamType = 37
	PT_IPV6ADDR           ParamType = 38
	PT_IPV6NET            ParamType = 39
	PT_IPADDR             ParamType = 40
	PT_IPNET              ParamType = 41
	PT_MODE               ParamType = 42
	PT_FSRELPATH          ParamType = 43
	PT_ENUMFLAGS8         ParamType = 44
	PT_ENUMFLAGS16        ParamType = 45
	PT_ENUMFLAGS32        ParamType = 46
	PT_FD32               ParamType = 47
	PT_PID32              ParamType = 48
)

var paramTypeNames = [...]string{
	PT_NONE:               "PT_NONE",
	PT_INT8:               "PT_INT8",
	PT_INT16:              "PT_INT16",
	PT_INT32:              "PT_INT32",
	PT_INT64:              "PT_INT64",
	PT_UINT8:              "PT_UINT8",
	PT_UINT16:             "PT_UINT16",
	PT_UINT32:             "PT_UINT32",
	PT_UINT64:             "PT_UINT64",
	PT_CHARBUF:            "PT_CHARBUF",
	PT_BYTEBUF:            "PT_BYTEBUF",
	PT_ERRNO:              "PT_ERRNO",
	PT_SOCKADDR:           "PT_SOCKADDR",
	PT_SOCKTUPLE:          "PT_SOCKTUPLE",
	PT_FD:                 "PT_FD",
	PT_PID:                "PT_PID",
	PT_FDLIST:             "PT_FDLIST",
	PT_FSPATH:             "PT_FSPATH",
	PT_SYSCALLID:          "PT_SYSCALLID",
	PT_SIGTYPE:            "PT_SIGTYPE",
	PT_RELTIME:            "PT_RELTIME",
	PT_ABSTIME:            "PT_ABSTIME",
	PT_PORT:               "PT_PORT",
	PT_L4PROTO:            "PT_L4PROTO",
	PT_SOCKFAMILY:         "PT_SOCKFAMILY",
	PT_BOOL:               "PT_BOOL",
	PT_IPV4ADDR:           "PT_IPV4ADDR",
	PT_DYN:                "PT_DYN",
	PT_FLAGS8:             "PT_FLAGS8",
	PT_FLAGS16:            "PT_FLAGS16",
	PT_FLAGS32:            "PT_FLAGS32",
	PT_UID:                "PT_UID",
	PT_GID:                "PT_GID",
	PT_DOUBLE:             "PT_DOUBLE",
	PT_SIGSET:             "PT_SIGSET",
	PT_CHARBUFARRAY:       "PT_CHARBUFARRAY",
	PT_CHARBUF_PAIR_ARRAY: "PT_CHARBUF_PAIR_ARRAY",
	PT_IPV4NET:            "PT_IPV4NET",
	PT_IPV6ADDR:           "PT_IPV6ADDR",
	PT_IPV6NET:            "PT_IPV6NET",
	PT_IPADDR:             "PT_IPADDR",
	PT_IPNET:              "PT_IPNET",
	PT_MODE:               "PT_MODE",
	PT_FSRELPATH:          "PT_FSRELPATH",
	PT_ENUMFLAGS8:         "PT_ENUMFLAGS8",
	PT_ENUMFLAGS16:        "PT_ENUMFLAGS16",
	PT_ENUMFLAGS32:        "PT_ENUMFLAGS32",
	PT_FD32:               "PT_FD32",
	PT_PID32:              "PT_PID32",
}
