package scapfile

import "strconv"

// Block types, by the numbers of the format. Versions of a list share one
// description: what differs is which fields an entry has.
const (
	blockSection      = 0x0A0D0D0A
	blockMachine      = 0x201
	blockProcV1       = 0x202
	blockFDV1         = 0x203
	blockEventV1      = 0x204
	blockIfaceV1      = 0x205
	blockUserV1       = 0x206
	blockProcV2       = 0x207
	blockEventFlagsV1 = 0x208
	blockProcV3       = 0x209
	blockProcV4       = 0x210
	blockProcV5       = 0x211
	blockProcV6       = 0x212
	blockProcV7       = 0x213
	blockProcV8       = 0x214
	blockProcV9       = 0x215
	blockEvent        = 0x216
	blockEventFlags   = 0x217
	blockFD           = 0x218
	blockIface        = 0x219
	blockUser         = 0x220
	blockEventLarge   = 0x221
	blockEventFlagsLg = 0x222
	blockMeta         = 0x53520001 // metadata of sysreel, see Meta; other readers skip it

	// Aliases of a pre-release of the format.
	blockProcV1Old   = 0x8000ABCD
	blockFDV1Old     = 0x8001ABCD
	blockMachineOld  = 0x8002ABCD
	blockEventV1Old  = 0x8010ABCD
	blockIfaceV1Old  = 0x8011ABCD
	blockUserV1Old   = 0x8012ABCD
	blockProcV2Old   = 0x8013ABCD
	blockProcV3Old   = 0x8014ABCD
	blockFrameHeader = 8          // type and total length
	blockOverhead    = 12         // header and trailer
	byteOrderMagic   = 0x1A2B3C4D // in the section header
	maxSmallBlock    = 1 << 16    // body limit of event blocks that are not "large"
	maxBlock         = 64 << 20   // no block of ours or of the libs comes near
	sectionSize      = 28         // section header without options
	machineBodySize  = 180        // machine info never grew
	unknownLength    = ^uint64(0) // section length as everybody writes it
	majorVersion     = 1          // what we read and write
	minorVersion     = 2          // what we write
)

var blockNames = map[uint32]string{
	blockSection:      "section header",
	blockMachine:      "machine info",
	blockProcV1:       "process list v1",
	blockProcV2:       "process list v2",
	blockProcV3:       "process list v3",
	blockProcV4:       "process list v4",
	blockProcV5:       "process list v5",
	blockProcV6:       "process list v6",
	blockProcV7:       "process list v7",
	blockProcV8:       "process list v8",
	blockProcV9:       "process list v9",
	blockFDV1:         "fd list v1",
	blockFD:           "fd list v2",
	blockIfaceV1:      "interface list v1",
	blockIface:        "interface list v2",
	blockUserV1:       "user list v1",
	blockUser:         "user list v2",
	blockEventV1:      "event v1",
	blockEventFlagsV1: "event with flags v1",
	blockEvent:        "event v2",
	blockEventFlags:   "event with flags v2",
	blockEventLarge:   "large event v2",
	blockEventFlagsLg: "large event with flags v2",
	blockProcV1Old:    "pre-release process list v1",
	blockProcV2Old:    "pre-release process list v2",
	blockProcV3Old:    "pre-release process list v3",
	blockFDV1Old:      "pre-release fd list v1",
	blockMachineOld:   "pre-release machine info",
	blockEventV1Old:   "pre-release event v1",
	blockIfaceV1Old:   "pre-release interface list v1",
	blockUserV1Old:    "pre-release user list v1",
	blockMeta:         "sysreel metadata",
}

func blockName(t uint32) string {
	if s, ok := blockNames[t]; ok {
		return s + " block"
	}
	return "block type 0x" + strconv.FormatUint(uint64(t), 16)
}

// eventBlock describes the body of an event block in front of the event.
type eventBlock struct {
	prefix int  // bytes of cpu id and flags
	header int  // size of the event header
	large  bool // may exceed 64 KiB
}

// eventBlockOf returns the body layout of an event block; ok is false for other blocks.
func eventBlockOf(t uint32) (b eventBlock, ok bool) {
	switch t {
	case blockEvent:
		return eventBlock{2, headerSize, false}, true
	case blockEventFlags:
		return eventBlock{6, headerSize, false}, true
	case blockEventLarge:
		return eventBlock{2, headerSize, true}, true
	case blockEventFlagsLg:
		return eventBlock{6, headerSize, true}, true
	case blockEventV1, blockEventV1Old:
		return eventBlock{2, headerSizeV1, false}, true
	case blockEventFlagsV1:
		return eventBlock{6, headerSizeV1, false}, true
	}
	return eventBlock{}, false
}
