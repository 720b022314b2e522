# shellcheck shell=bash
# The stage of the demo: how it speaks, runs SQL as somebody, and checks what it says.
# Sourced by scripts/demo.sh after scripts/lib.sh. The story goes to stdout, trouble to stderr.

if [ -t 1 ] && [ -z "${NO_COLOR:-}" ] && [ "${TERM:-dumb}" != dumb ]; then
  bold=$'\e[1m' dim=$'\e[2m' red=$'\e[31m' green=$'\e[32m' blue=$'\e[36m' plain=$'\e[0m'
else
  bold='' dim='' red='' green='' blue='' plain=''
fi
case ${LC_ALL:-${LC_CTYPE:-${LANG:-}}} in
  *UTF-8* | *utf8*) tick='✓' cross='✗' bar='│' ;;
  *) tick='ok' cross='NOT SO' bar='|' ;;
esac

# --- telling ----------------------------------------------------------------------------------

chapter_number=0
# Whether the last line was a check: a row of checks stands together.
ticked=0

# chapter TITLE: a numbered heading with the seconds since the start.
chapter() {
  chapter_number=$((chapter_number + 1))
  printf '\n%s%s. %s%s  %s%s s%s\n' "$bold" "$chapter_number" "$1" "$plain" "$dim" "$SECONDS" "$plain"
}

# tell TEXT...: what comes next, and why it matters; a line an argument.
tell() {
  ticked=0
  printf '\n'
  printf '  %s\n' "$@"
}

# failed TEXT...: the demo is a test too: what it tells and does not see stops it.
failed() {
  {
    printf '\n  %s%s %s%s\n' "$red" "$cross" "$1" "$plain"
    shift
    if [ $# -gt 0 ]; then printf '%s\n' "$@" | sed 's/^/    /'; fi
    printf '\n  The demo stops here, in chapter %s. Its server still runs, to be looked at:\n    %s\n' \
      "$chapter_number" "$(psql_line admin)"
    printf '  The command make clean-demo removes it.\n'
  } >&2
  exit 1
}

# thousands NUMBER: 12000 as 12,000.
thousands() { sed -e ':again' -e 's/\([0-9]\)\([0-9]\{3\}\)\($\|[^0-9]\)/\1,\2\3/;t again' <<<"$1"; }

# --- running SQL ------------------------------------------------------------------------------

# psql_line WHO: the command that opens a session like WHO's.
psql_line() {
  local user=authenticator
  [ "$1" = admin ] && user=postgres
  printf 'psql -h %s -p %s -U %s %s\n' "$PGHOST" "$PGPORT" "$user" "$PGDATABASE"
}

# session WHO [OPTION...]: psql as WHO with the statements of stdin.
#   admin    the superuser, who runs the migrations
#   nobody   the API role, with a request that carried no token
#   tenant_* that role
#   others   the API role with the claims in examples/crm/as_<who>.sql
session() {
  local who=$1 user=authenticator prelude
  shift
  case $who in
    admin) user=postgres prelude=(-c '') ;;
    nobody) prelude=(-c 'SET ROLE authenticated') ;;
    tenant_*) user=postgres prelude=(-c "SET ROLE \"$who\"") ;;
    *) prelude=(-f "$ROOT/examples/crm/as_$who.sql") ;;
  esac
  psql -X -q -U "$user" -v ON_ERROR_STOP=1 -v VERBOSITY=verbose -P footer=off "${prelude[@]}" "$@" -f - 2>&1
}

# say_sql WHO SQL: the statement as it would look at WHO's prompt.
say_sql() {
  local prompt="$1=> " line first=1
  ticked=0
  printf '\n'
  while IFS= read -r line; do
    if [ $first = 1 ]; then printf '    %s%s%s%s\n' "$blue" "$prompt" "$plain" "$line"
    else printf '    %*s%s\n' ${#prompt} '' "$line"
    fi
    first=0
  done <<<"$2"
}

# tidy: psql's answer, without what is of use only to the authors of PostgreSQL.
tidy() {
  sed -e 's/^psql:[^:]*:[0-9]*: //' -e 's/^NOTICE:  00000: /NOTICE:  /' -e '/^LOCATION: /d' -e '/^CONTEXT: /d' -e '/^$/d' -e '/^BEGIN$/d' -e '/^COMMIT$/d'
}

# run WHO SQL: shows the statement and its answer. The answer stays in $answer.
run() {
  say_sql "$1" "$2"
  # Tags such as UPDATE 1 are part of the story, those of the prelude are not.
  answer=$(session "$1" <<<$'\\set QUIET off\n'"$2") ||
    failed "$1 could not run it" "$(tidy <<<"$answer")"
  answer=$(tidy <<<"$answer")
  printf '%s\n' "$answer" | sed "s/^/    $dim/; s/\$/$plain/"
}

# run_plan WHO CALL: shows the steps that a planning function returns, each above its SQL.
run_plan() {
  say_sql "$1" "SELECT step, action, sql
FROM $2;"
  answer=$(ask "$1" "SELECT format(E'%s. %s\n%s', step, action, regexp_replace(sql, '^', '   ', 'ng')) FROM $2 ORDER BY step") ||
    failed "$1 could not run it" "$answer"
  printf '%s\n' "$answer" | sed -e "s/^[0-9]*\. .*/$bold&$plain/" -e 's/^/    /'
}

# refused WHO SQLSTATE SQL: shows the statement and the error that it must end in.
refused() {
  say_sql "$1" "$3"
  if answer=$(session "$1" <<<"$3"); then
    failed "This was to be refused with SQLSTATE $2, and was not:" "$3" "$(tidy <<<"$answer")"
  fi
  answer=$(tidy <<<"$answer")
  case $answer in
    *"ERROR:  $2: "*) ;;
    *) failed "This was refused, but not with SQLSTATE $2:" "$3" "$answer" ;;
  esac
  # Statements before the refused one may have answered: the error is what counts.
  printf '%s\n' "$answer" | sed -n '/^ERROR: /,$p' | sed "s/^/    $red$bar$plain /"
}

# ask WHO SQL: the bare value, for a check; nothing is shown.
ask() { PGOPTIONS="${PGOPTIONS:-} -c client_min_messages=error" session "$1" -At <<<"$2" | tidy; }

# check TEXT ACTUAL EXPECTED: says TEXT, which must be true.
check() {
  [ "$2" = "$3" ] || failed "It should be so that: $1" "expected: $3" "seen:     $2"
  [ $ticked = 1 ] || printf '\n'
  ticked=1
  printf '    %s%s %s%s\n' "$green" "$tick" "$1" "$plain"
}
