//go:build linux && (amd64 || arm64)

// This file lets fork_linux.go declare functions of the runtime.
