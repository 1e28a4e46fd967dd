#include "textflag.h"

#define SYS_exit_group 94

// The kernel enters here, with the signal in R0.
TEXT handler<>(SB),NOSPLIT|NOFRAME|TOPFRAME,$0
	MOVD	$·codes(SB), R1
	MOVBU	(R1)(R0), R0
	MOVD	$SYS_exit_group, R8
	SVC
	BRK	// not reached

TEXT ·handlerAddress(SB),NOSPLIT,$0-8
	MOVD	$handler<>(SB), R0
	MOVD	R0, ret+0(FP)
	RET
