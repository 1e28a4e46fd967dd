# goqmail. `make` builds, `make test` tests, `make up` runs a whole system in
# private; README.md has the rest.

# The facts that are fixed when the programs are built; see lib/auto.
QMAIL = /var/qmail
SPLIT = 23
SPAWN = 120
BREAK = -
# The users of conf-users, in its order: alias, network daemons, loggers, owner
# of the programs, password look-ups, queue, remote deliveries, qmail-send; and
# the groups of conf-groups.
ACCOUNTS = alias qmaild qmaill root qmailp qmailq qmailr qmails
ACCOUNTGROUPS = qmail nofiles
# The programs around the mail store: where they are, and who owns the store.
CYRUS = /usr/cyrus
CYRUSBIN = $(CYRUS)/bin
CYRADMBIN = /usr/bin
SASLBIN = /usr/sbin
CYRUSMAN = /usr/share/man
ANOMY = /usr/anomy
CYRUSACCOUNTS = cyrus mail

GO = go
AUTO = goqmail/lib/auto
FACTS = -X $(AUTO).Home=$(QMAIL) -X $(AUTO).split=$(SPLIT) -X $(AUTO).spawn=$(SPAWN) -X $(AUTO).Break=$(BREAK) \
	-X $(AUTO).Cyrus=$(CYRUSBIN) -X $(AUTO).UserCyrus=$(firstword $(CYRUSACCOUNTS)) \
	$(join $(patsubst %,-X=$(AUTO).User%=,Alias D L O P Q R S),$(ACCOUNTS)) \
	$(join $(patsubst %,-X=$(AUTO).Group%=,Qmail Nofiles),$(ACCOUNTGROUPS))
# On these systems the programs start at lib/entry, which copes with softlimit
# and has a cheaper start for BRIEF, what lives for one message or one session.
# Functions stand closer together than usual, to leave room under old limits.
ENTRIES = $(filter linux/amd64 linux/arm64,$(shell $(GO) env GOOS)/$(shell $(GO) env GOARCH))
ENTRY = $(if $(ENTRIES),-E _goqmail_entry -funcalign=16)
BRIEFENTRY = $(if $(ENTRIES),-E _goqmail_brief -funcalign=16)
ONEENTRY = $(subst brief,one,$(BRIEFENTRY))
QUEUEENTRY = $(subst brief,queue,$(BRIEFENTRY))
BRIEF = bouncesaying condredirect deliver dnsfq dnsip dnsmxip dnsptr except forward ipmeprint maildir2mbox maildirmake predate preline qbiff \
	qmail-badlist qmail-dnsbl qmail-getpw qmail-inject qmail-local qmail-newmgrt qmail-newmrh qmail-newmvrt qmail-newu qmail-pop3d qmail-popup qmail-pw2u \
	qmail-qmqpc qmail-qmqpd qmail-qmtpd qmail-qread qmail-queue qmail-rcptcheck qmail-rcptcheck-realrcptto qmail-recipients qmail-remote qmail-scan qmail-showctl qmail-smtpd \
	qmail-tcpok qmail-tcpto qreceipt sanitizer sasldblistusers2 saslpasswd2 sendmail tcp-env tcprules tcprulescheck
# What stays, but does one thing at a time, keeps one processor.
ONE = qmail-clean qmail-local
# What one process can serve again and again; see lib/warm.
WARM = qmail-getpw qmail-local qmail-queue qmail-remote qmail-smtpd qmail-smtpds

all: bin

# The programs: without cgo and so static, and stripped, because old run
# scripts limit the size of a program. The commands that are shell by nature
# and what starts the system name the home as QMAIL/.
bin: FORCE
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '-s -w $(ENTRY) $(FACTS)' -o $(BIN)/ $(filter-out $(BRIEF:%=./cmd/%) $(ONE:%=./cmd/%),$(CMDS))
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '-s -w $(BRIEFENTRY) $(FACTS)' -o $(BIN)/ $(filter-out ./cmd/qmail-queue $(ONE:%=./cmd/%),$(filter $(BRIEF:%=./cmd/%),$(CMDS)))
	$(if $(filter ./cmd/qmail-queue,$(CMDS)),CGO_ENABLED=0 $(GO) build -trimpath -ldflags '-s -w $(QUEUEENTRY) $(FACTS)' -o $(BIN)/ ./cmd/qmail-queue)
	$(if $(filter $(ONE:%=./cmd/%),$(CMDS)),CGO_ENABLED=0 $(GO) build -trimpath -ldflags '-s -w $(ONEENTRY) $(FACTS)' -o $(BIN)/ $(filter $(ONE:%=./cmd/%),$(CMDS)))
	$(if $(ENTRIES),GOOS= GOARCH= $(GO) run scripts/lean.go $(CMDS:./cmd/%=$(BIN)/%))
	GOOS= GOARCH= $(GO) run scripts/warm.go $(patsubst ./cmd/%,$(BIN)/%,$(filter $(WARM:%=./cmd/%),$(CMDS)))
	rm -rf $(BIN)/boot $(BIN)/imap
	mkdir -p $(BIN)/boot
	cd scripts && cp -R boot/. rc init daemontools runit systemd $(abspath $(BIN))/boot/
	cp -R scripts/imap $(BIN)/
	find $(BIN)/imap -type f -exec sed -i 's|CYRUSBIN/|$(CYRUSBIN)/|g' {} +
	cp $(COMMANDS:%=scripts/%) $(BIN)/
	find $(BIN)/boot $(COMMANDS:%=$(BIN)/%) -type f -exec sed -i 's|QMAIL/|$(QMAIL)/|g; s|CYRUSBIN/|$(CYRUSBIN)/|g' {} +

# Where they are put. The tests build their own beside it.
BIN = bin
CMDS = $(patsubst %/main.go,./%,$(wildcard cmd/*/main.go))
COMMANDS = backup config config-fast datemail deluser mailsubj mkservercert newdomain newuser qmail-qstat restore

# The complete home at $(DESTDIR)$(QMAIL). No control file, no message and no
# running program is touched; with DESTDIR, nothing of this machine is.
PLACE = QMAIL='$(QMAIL)' DESTDIR='$(DESTDIR)' SPLIT=$(SPLIT) FROM='$(BIN)' ACCOUNTS='$(ACCOUNTS) $(ACCOUNTGROUPS)'
install: bin
	$(PLACE) scripts/install

# An administrator's installation: `make setup check`.
setup: bin
	$(PLACE) scripts/accounts
	$(PLACE) scripts/install

check:
	$(PLACE) scripts/instcheck

# The same for the pair, deliver and imapd, and what stands around them.
PLACEPAIR = $(PLACE) CYRUS='$(CYRUS)' CYRUSBIN='$(CYRUSBIN)' CYRADMBIN='$(CYRADMBIN)' SASLBIN='$(SASLBIN)' \
	CYRUSMAN='$(CYRUSMAN)' ANOMY='$(ANOMY)' CYRUSACCOUNTS='$(CYRUSACCOUNTS)'
install-pair: bin
	$(PLACEPAIR) scripts/install pair

setup-pair: bin
	$(PLACEPAIR) scripts/accounts pair
	$(PLACEPAIR) scripts/install pair

check-pair:
	$(PLACEPAIR) scripts/instcheck pair

# A certificate for TLS in the installed home, as with the TLS patch.
cert:
	$(QMAIL)/bin/mkservercert

# All tests: programs and packages, recorded behaviours, stories, crashes, fuzz.
STATICCHECK = honnef.co/go/tools/cmd/staticcheck@v0.8.2
test: bin
	GO='$(GO)' STATICCHECK='$(STATICCHECK)' scripts/test

# A whole system in private, until Ctrl-C.
up:
	@$(GO) build -o t/.bin/up ./t/up && exec t/.bin/up

# Measures these programs against another home, side by side: an installed one,
# such as the reference's, as REF=DIR. WORK names workloads and options; see
# t/bench. Needs root and qmail's accounts. WORK=imap measures imapd and lmtpd, beside
# the servers that IMAP names, as NAME=HOST:PORT,USER,PASSWORD,LMTP.
REF =
IMAP =
WORK = all
ifeq ($(firstword $(WORK)),imap)
bench: bin
	@$(GO) run ./t/bench $(WORK) -bin $(BIN) $(IMAP)
else
bench:
	@if [ -z '$(REF)' ]; then echo 'bench: skipped: no home to compare with; say make bench REF=DIR'; else \
		$(MAKE) --no-print-directory install QMAIL=/var/qmail DESTDIR=$(abspath $(BIN))/stage && \
		$(GO) run ./t/bench compare $(REF) $(abspath $(BIN))/stage/var/qmail $(WORK) && \
		case ' $(WORK) ' in *' all '*) \
			$(MAKE) --no-print-directory install QMAIL=/var/qmail SPAWN=1000 BIN=$(BIN)/spawn1000 DESTDIR=$(abspath $(BIN))/stage1000 && \
			echo '1,000 remote deliveries at a time, with programs built for so many:' && \
			$(GO) run ./t/bench one $(abspath $(BIN))/stage1000/var/qmail held1000;; \
		esac; fi
endif

clean:
	rm -rf bin t/.bin t/.up

FORCE:
.PHONY: all install setup check install-pair setup-pair check-pair cert test up bench clean FORCE
