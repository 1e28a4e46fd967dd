# What newdomain, newuser, deluser, backup and restore have in common: they read this file.

export LC_ALL=C
umask 022
PATH=QMAIL/bin:$PATH:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
name=${0##*/}
# What is removed at the end: the lock, a file that is being written, a directory for more.
locked= new= dir=
trap 'rm -rf "$locked" "$new" "$dir"' EXIT
trap 'exit 111' HUP INT TERM

say() { printf '%s: %s\n' "$name" "$*" | tr -c '[:print:]\n' '?'; }
refuse() { say "fatal: $*" >&2; exit 100; }
fail() { say "fatal: $*" >&2; exit 111; }

root() { [ "$(id -u)" = 0 ] || fail "this is for root"; }

# isdomain NAME: at least two labels of lower-case letters, digits and hyphens.
isdomain() {
	case .$1. in
	*[!a-z0-9.-]* | *..* | *.-* | *-.*) refuse "$1 is no domain; one is written in lower-case ASCII" ;;
	.*.*.) ;;
	*) refuse "$1 is no domain: it has no dot" ;;
	esac
	[ ${#1} -le 253 ] && ! printf %s "$1" | grep -q '[^.]\{64\}' || refuse "$1 is too long for a domain"
}

# isuser NAME: what is a user name on every system, a name of a mailbox and the rest of
# a .qmail file's name.
isuser() {
	case $1 in
	'' | [!a-z]* | *[!a-z0-9_-]* | *- | default) refuse "$1 cannot be a user: lower-case letters, digits, - and _ make a name" ;;
	esac
	[ ${#1} -le 31 ] || refuse "$1 is too long for a user"
}

exists() { id -u "$1" >/dev/null 2>&1; }

# homeof ACCOUNT prints its home directory. The name has been checked.
homeof() { eval "printf '%s\n' ~$1"; }

# newaccount NAME COMMENT GROUP makes an account without a password, and its home.
newaccount() {
	if command -v useradd >/dev/null; then
		grep -q "^$3:" /etc/group || groupadd "$3" || fail "unable to make group $3"
		useradd -c "$2" -g "$3" -m -k /nonexistent "$1" || fail "unable to make account $1"
	else
		pw groupshow "$3" >/dev/null 2>&1 || pw groupadd "$3" || fail "unable to make group $3"
		pw useradd "$1" -c "$2" -g "$3" -m -k /nonexistent || fail "unable to make account $1"
	fi
	say "made account $1"
}

# as ACCOUNT COMMAND ARGUMENT ... runs a command of the shell as an account: in its home,
# root would go where a link leads.
as() (
	account=$1 command=$2
	shift 2
	SHELL=/bin/sh su -m "$account" -c "cd / && umask 077 && $command" sh "$@"
)

# For as: a new file is there when all of it is, whatever is interrupted.
whole='rm -f "$1.new"; set -C; cat >"$1.new" && ln "$1.new" "$1"; code=$?; rm -f "$1.new"; [ $code = 0 ]'

# fill ACCOUNT HOME SKEL SCRIPT copies what is in SKEL and not in HOME, through sed.
fill() {
	as "$1" '[ -d "$1" ] || mkdir "$1"' "$2" </dev/null || fail "unable to make $2"
	[ -d "$3" ] || return 0
	(cd "$3" && find . ! -name . \( -type d -o -type f \)) | sort | while read -r file; do
		if [ -d "$3/$file" ]; then
			as "$1" '[ -d "$1" ] || mkdir "$1"' "$2/$file" </dev/null
		else
			sed "$4" "$3/$file" | as "$1" "if [ -e \"\$1\" ]; then cat >/dev/null; else $whole; fi" "$2/$file"
		fi || exit
	done || fail "unable to copy $3 to $2"
}

# dotqmail ACCOUNT HOME NAME TEXT makes a .qmail file, if there is none.
dotqmail() {
	there=$(printf '%s\n' "$4" | as "$1" "umask 027; if [ ! -e \"\$1\" ]; then $whole; fi && cat \"\$1\"" "$2/.qmail-$3") ||
		fail "unable to write $2/.qmail-$3"
	[ "$there" = "$4" ] || say "$2/.qmail-$3 stays: it says $there"
}

# lock keeps out others who change the files below.
lock() {
	file=QMAIL/users/.lock n=0
	until ln -s $$ $file 2>/dev/null; do
		pid=$(readlink $file)
		if [ -n "$pid" ] && ! kill -0 "$pid" 2>/dev/null; then
			# That script was killed. Only one of those who see it takes its lock away.
			if ln -s $$ "$file.$pid" 2>/dev/null; then
				[ "$(readlink $file)" != "$pid" ] || rm $file
				rm "$file.$pid"
				continue
			fi
		fi
		[ $n -lt 20 ] || fail "$file exists: another script is at work, or was killed; then remove it and what starts so"
		n=$((n + 1))
		sleep 1
	done
	locked=$file
}
unlock() { rm "$locked" && locked=; }

# change FILE COMMAND ... has a filter change a file in one step: owner and mode stay, and
# nobody sees half of it. It fails if nothing changes.
change() {
	target=$1
	shift
	[ ! -h "$target" ] || target=$(readlink -f "$target")
	new=$(mktemp "${target%/*}/.${target##*/}.XXXXXX") || fail "unable to write to ${target%/*}"
	if [ -e "$target" ]; then
		cp -p "$target" "$new" && "$@" <"$target" >"$new" || fail "unable to change $target"
		if cmp -s "$target" "$new"; then
			rm "$new"
			return 1
		fi
	else
		chmod 644 "$new" && "$@" </dev/null >"$new" || fail "unable to make $target"
	fi
	sync "$new"
	mv "$new" "$target" || fail "unable to replace $target"
	sync "${target%/*}"
	say "changed $target"
}

# withline LINE is a filter that adds a line at the end, if it is not there yet.
withline() { awk -v line="$1" '{ print; sub("[ \t]+$", ""); if ($0 == line) found = 1 } END { if (!found) print line }'; }

# lines FILE prints those of a control file that mean something.
lines() { if [ -e "QMAIL/control/$1" ]; then sed 's/[ 	]*$//; /^#/d; /^$/d' "QMAIL/control/$1" | tr '[:upper:]' '[:lower:]'; fi; }

# owner DOMAIN prints who controls a virtual domain.
owner() { lines virtualdomains | sed -n "s/^$(printf %s "$1" | sed 's/\./\\./g')://p" | sed -n '$p'; }

# others USER is a filter that leaves out a user's lines of users/assign.
others() { awk -F: -v user="$1" '{ n = substr($1, 2); if (/^[+]/) n = substr(n, 1, length(n) - 1) } n != user'; }

# hup has qmail-send read locals and virtualdomains again.
hup() { if pkill -HUP -x qmail-send; then say "qmail-send reads them again"; fi; }

# conf NAME DEFAULT prints a value of imapd.conf.
conf() {
	value=$(sed -n "s/^$1:[ 	]*//p" /etc/imapd.conf | sed -n '$p')
	printf '%s\n' "${value:-$2}"
}

# store tells whether mailboxes are kept here.
store() { [ -f /etc/imapd.conf ] && [ -x CYRUSBIN/ctl_mboxlist ]; }

# mailboxes prints their names.
mailboxes() { CYRUSBIN/ctl_mboxlist -d | sed 's/	.*//'; }

# administer COMMANDS gives them to cyradm. The first line of the input is the
# administrator's password; who sits at a terminal is asked.
administer() {
	admin=$(conf admins cyrus)
	admin=${admin%%[ ,]*}
	if [ -t 0 ]; then
		printf 'IMAP password of %s: ' "$admin" >&2
		trap 'stty echo; exit 111' HUP INT TERM
		stty -echo
	fi
	IFS= read -r password || password=
	if [ -t 0 ]; then
		stty echo
		trap 'exit 111' HUP INT TERM
		echo >&2
	fi
	# It asks, though it has been told: that would look as if it waited for an answer.
	printf '%s\n' "$password" "$1" | cyradm --user "$admin" localhost 2>&1 | sed 's/^Password: //; s/^\([^ ]*> \)*//; /^$/d'
}
