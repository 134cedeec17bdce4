#include "textflag.h"

// func int80(nr, a, b, c uintptr) uintptr
//
// A system call through the 32-bit entry of a 64-bit process.
TEXT ·int80(SB), NOSPLIT, $8-40
	MOVQ nr+0(FP), AX
	MOVQ a+8(FP), BX
	MOVQ b+16(FP), CX
	MOVQ c+24(FP), DX
	XORQ SI, SI
	XORQ DI, DI
	XORQ BP, BP
	BYTE $0xCD; BYTE $0x80
	MOVQ AX, ret+32(FP)
	RET

// func vforkExit() uintptr
//
// vfork, with a child that ends at once. The child runs on the stack of its
// parent, so nothing may be called between.
TEXT ·vforkExit(SB), NOSPLIT, $0-8
	MOVQ $58, AX
	SYSCALL
	CMPQ AX, $0
	JNE parent
	MOVQ $231, AX
	XORQ DI, DI
	SYSCALL
parent:
	MOVQ AX, ret+0(FP)
	RET
