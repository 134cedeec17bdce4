package probe

func int80(nr, a, b, c uintptr) uintptr

func vforkExit() uintptr
