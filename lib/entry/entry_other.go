//go:build !(linux && (amd64 || arm64))

package entry

func restore()    {}
func raise()      {}
func free()       {}
func resetFiles() {}
