#!/bin/bash
# One night of imbal-bench from cron. Put this line into `crontab -e` (cron mails what is printed):
#   0 22 * * *  /path/to/folder/nightly.sh
# A night that is cut off, here after eight hours, goes on the next evening.
set -u
BASELINE="${BASELINE:-main}"        # made once: imbal-bench baseline save main --store nightly/2026-11-23/store
CANARY="${CANARY:-random+uniform}"
HOURS="${HOURS:-8}"

cd "$(dirname "$0")" || exit 2
if [ -f .venv/bin/activate ]; then
  . .venv/bin/activate
fi
timeout --signal=INT --kill-after=300 "${HOURS}h" \
  imbal-bench nightly --baseline "$BASELINE" --canary "$CANARY" --run-timeout 7200 > nightly.log 2>&1
code=$?

# 1 a regression, 3 inconclusive, 4 incomplete: the summary is one screen. Anything else, such as 2 (wrong usage) or 124
# (cut off), ended before there was one, and the summary at hand is an earlier night's.
case "$code" in
  0) ;;
  1 | 3 | 4) echo "imbal-bench nightly ended with exit code $code"; cat nightly/latest.txt ;;
  *) echo "imbal-bench nightly ended with exit code $code"; tail -n 20 nightly.log ;;
esac
exit "$code"
