package main

import (
	"goqmail/lib/exit"
	"goqmail/lib/getopt"
	"goqmail/lib/quote"
	"goqmail/lib/rfc822"
)

func (in *injection) readArguments(args []string) error {
	strategy := byte('A')
	options := getopt.New(args, "aAhHnNf:")
	for option, ok := options.Next(); ok; option, ok = options.Next() {
		switch option {
		case 'a', 'A', 'h', 'H':
			strategy = option
		case 'n', 'N':
			in.printOnly = option == 'n'
		case 'f':
			sender := quote.Address(options.Arg)
			tokens, err := rfc822.Parse(sender)
			if err != nil {
				return unparsable(sender)
			}
			in.sender, in.hasSender = in.rules.apply(tokens).String(), true
		default:
			return complaint(options.Problem())
		}
	}
	recipients := options.Rest()
	if strategy == 'A' {
		strategy = 'a'
		if len(recipients) == 0 {
			strategy = 'h'
		}
	}
	in.useHeader = strategy != 'a'
	if strategy == 'h' {
		return nil
	}
	for _, recipient := range recipients {
		tokens, err := rfc822.Parse(quote.Address(recipient))
		if err != nil {
			return exit.Reject("unable to parse address: "+recipient, nil)
		}
		in.argRecipients = append(in.argRecipients, in.rules.apply(tokens).String())
	}
	return nil
}
