package probe

//go:generate go run ./gen bpf/syscalls.gen.h
//go:generate go tool bpf2go -go-package probe -target amd64,arm64 -cc clang-19 -strip llvm-strip-19 -no-global-types probe bpf/probe.bpf.c -- -O2 -g -Wall -Werror -mcpu=v3 -Ibpf
