package main

import (
	"reflect"
	"slices"
	"testing"
	"time"

	goimap "github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
)

// Another project's client asks for messages and reads the answers.
func TestClientSearches(t *testing.T) {
	s := newServer(t)
	searched(t, s)
	john := clientOf(t, s, "john")
	_, err := john.Select("INBOX", nil).Wait()
	must(t, err)

	found, err := john.UIDSearch(&goimap.SearchCriteria{
		Not: []goimap.SearchCriteria{{Flag: []goimap.Flag{goimap.FlagDeleted}}},
		Or: [][2]goimap.SearchCriteria{{
			{Header: []goimap.SearchCriteriaHeaderField{{Key: "Subject", Value: "two"}}}, {Text: []string{"Straße"}},
		}},
		Since: time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC), Larger: 100,
	}, nil).Wait()
	if must(t, err); !slices.Equal(found.AllUIDs(), []goimap.UID{1, 2, 3}) {
		t.Errorf("found %v", found.AllUIDs())
	}
	found, err = john.Search(&goimap.SearchCriteria{Body: []string{"grüße"}}, &goimap.SearchOptions{ReturnMin: true, ReturnCount: true, ReturnAll: true, ReturnSave: true}).Wait()
	if must(t, err); found.Min != 2 || found.Count != 1 || !slices.Equal(found.AllSeqNums(), []uint32{2}) {
		t.Errorf("found %+v", found)
	}
	sorted, err := john.UIDSort(&imapclient.SortOptions{
		SearchCriteria: &goimap.SearchCriteria{}, SortCriteria: []imapclient.SortCriterion{{Key: imapclient.SortKeySubject, Reverse: true}, {Key: imapclient.SortKeySize}},
	}).Wait()
	if must(t, err); !slices.Equal(sorted, []uint32{2, 3, 1, 4}) {
		t.Errorf("sorted %v", sorted)
	}
	threads, err := john.Thread(&imapclient.ThreadOptions{Algorithm: goimap.ThreadReferences, SearchCriteria: &goimap.SearchCriteria{}}).Wait()
	if want := []imapclient.ThreadData{{Chain: []uint32{1}}, {Chain: []uint32{2, 3}}, {Chain: []uint32{4}}}; err != nil || !reflect.DeepEqual(threads, want) {
		t.Errorf("threads %+v, %v", threads, err)
	}
}
