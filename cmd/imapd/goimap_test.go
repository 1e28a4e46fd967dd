package main

import (
	"slices"
	"testing"

	goimap "github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
)

// Another project's client reads what commands about mailboxes answer.
func TestClientManagesMailboxes(t *testing.T) {
	s := newServer(t)
	grant(t, s, "comp", "anyone\tlrs\t")
	john := clientOf(t, s, "john")
	must(t, john.Create("INBOX.Entwürfe & so", &goimap.CreateOptions{SpecialUse: []goimap.MailboxAttr{goimap.MailboxAttrDrafts}}).Wait())
	must(t, john.Create("INBOX.a.b", nil).Wait())
	must(t, john.Subscribe("INBOX.a.b").Wait())
	must(t, john.Rename("INBOX.a.b", "INBOX.c.d", nil).Wait())
	put(t, s, "user.john.c.d", nil, hello)

	list, err := john.List("", "*", &goimap.ListOptions{ReturnSubscribed: true, ReturnChildren: true, ReturnStatus: &goimap.StatusOptions{NumMessages: true, UIDNext: true}}).Collect()
	must(t, err)
	var names []string
	for _, m := range list {
		names = append(names, m.Mailbox)
		if m.Mailbox == "INBOX.c.d" && (m.Delim != '.' || m.Status == nil || *m.Status.NumMessages != 1 || m.Status.UIDNext != 2) {
			t.Errorf("INBOX.c.d is %+v, %+v", m, m.Status)
		}
	}
	if want := []string{"INBOX", "INBOX.Entwürfe & so", "INBOX.c.d", "comp"}; !slices.Equal(names, want) {
		t.Errorf("listed %q, want %q", names, want)
	}
	list, err = john.List("", "*", &goimap.ListOptions{SelectSpecialUse: true}).Collect()
	if must(t, err); len(list) != 1 || !slices.Contains(list[0].Attrs, goimap.MailboxAttrDrafts) {
		t.Errorf("special ones are %+v", list)
	}
	list, err = john.List("", "*", &goimap.ListOptions{SelectSubscribed: true}).Collect()
	if must(t, err); len(list) != 1 || list[0].Mailbox != "INBOX.a.b" || !slices.Contains(list[0].Attrs, goimap.MailboxAttrNonExistent) {
		t.Errorf("subscribed to %+v", list)
	}

	status, err := john.Status("INBOX.c.d", &goimap.StatusOptions{NumUnseen: true, Size: true, AppendLimit: true}).Wait()
	if must(t, err); *status.NumUnseen != 1 || *status.Size != int64(len(hello)) || *status.AppendLimit == 0 {
		t.Errorf("status %+v", status)
	}
	ns, err := john.Namespace().Wait()
	if must(t, err); ns.Personal[0].Prefix != "INBOX." || ns.Other[0].Prefix != "user." || ns.Shared[0].Delim != '.' {
		t.Errorf("namespaces %+v", ns)
	}

	must(t, john.SetACL("INBOX.c.d", "mary", goimap.RightModificationAdd, goimap.RightSet("lr")).Wait())
	got, err := john.GetACL("INBOX.c.d").Wait()
	if must(t, err); string(got.Rights["mary"]) != "lr" {
		t.Errorf("ACL %+v", got)
	}
	mine, err := clientOf(t, s, "mary").MyRights("user.john.c.d").Wait()
	if must(t, err); string(mine.Rights) != "lr" {
		t.Errorf("mary's rights %+v", mine)
	}

	admin := clientOf(t, s, "cyrus")
	must(t, admin.SetQuota("user.john", map[goimap.QuotaResourceType]int64{goimap.QuotaResourceStorage: 100}).Wait())
	quotas, err := john.GetQuotaRoot("INBOX.c.d").Wait()
	if must(t, err); len(quotas) != 1 || quotas[0].Resources[goimap.QuotaResourceStorage].Limit != 100 {
		t.Errorf("quotas %+v", quotas)
	}
	comment := []byte("a \"comment\"\r\nin two lines")
	must(t, john.SetMetadata("INBOX", map[string]*[]byte{"/shared/comment": &comment}).Wait())
	metadata, err := john.GetMetadata("INBOX", []string{"/shared/comment"}, nil).Wait()
	if must(t, err); string(*metadata.Entries["/shared/comment"]) != string(comment) {
		t.Errorf("metadata %+v", metadata)
	}
	must(t, john.Delete("INBOX.c.d").Wait())
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func clientOf(t testing.TB, s *server, user string) *imapclient.Client {
	t.Helper()
	c := imapclient.New(connect(t, s), nil)
	t.Cleanup(func() { c.Close() })
	must(t, c.Login(user, "secret").Wait())
	return c
}
