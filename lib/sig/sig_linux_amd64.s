#include "textflag.h"

#define SYS_exit_group 231

// The kernel enters here, with the signal in DI.
TEXT handler<>(SB),NOSPLIT|NOFRAME|TOPFRAME,$0
	LEAQ	·codes(SB), AX
	MOVBLZX	(AX)(DI*1), DI
	MOVQ	$SYS_exit_group, AX
	SYSCALL
	INT	$3	// not reached

TEXT ·handlerAddress(SB),NOSPLIT,$0-8
	LEAQ	handler<>(SB), AX
	MOVQ	AX, ret+0(FP)
	RET
