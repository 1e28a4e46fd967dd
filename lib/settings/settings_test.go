package settings

import "testing"

// Settings stand in order, so that one is easy to find.
func TestOrder(t *testing.T) {
	for i := 1; i < len(Plain); i++ {
		if Plain[i-1].Name >= Plain[i].Name {
			t.Errorf("%s stands before %s", Plain[i-1].Name, Plain[i].Name)
		}
	}
	for i := 1; i < len(Patches); i++ {
		if Patches[i-1].Name >= Patches[i].Name {
			t.Errorf("%s stands before %s", Patches[i-1].Name, Patches[i].Name)
		}
	}
}
