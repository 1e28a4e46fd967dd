//go:build !linux && !openbsd

package confine

func process(Rules) error { return nil }
