#!/bin/bash
# One night of imbal-bench as a Slurm job. Submit it every evening, from scrontab or a login node's crontab:
#   0 20 * * *  cd /path/to/work && sbatch nightly.sh
# A night that is cut off by its time limit goes on the next evening. Change what follows to suit your cluster.
#SBATCH --job-name=imbal-bench-nightly
#SBATCH --gres=gpu:1
#SBATCH --cpus-per-task=8
#SBATCH --mem=32G
#SBATCH --time=10:00:00
#SBATCH --signal=INT@120
#SBATCH --dependency=singleton
#SBATCH --output=nightly-%j.log
set -u
BASELINE="${BASELINE:-main}"        # made once: imbal-bench baseline save main --store nightly/2026-11-23/store
CANARY="${CANARY:-random+uniform}"

cd "${SLURM_SUBMIT_DIR:-.}" || exit 2
srun imbal-bench nightly --baseline "$BASELINE" --canary "$CANARY" --jobs 1 --run-timeout 7200
code=$?

# 1 a regression, 3 inconclusive, 4 incomplete: the summary is one screen, for a mail or a chat. Anything else, such as 2
# (wrong usage) or 130 (cut off), ended before there was one, and the summary at hand is an earlier night's.
if [ "$code" -ne 0 ] && command -v mail > /dev/null; then
  case "$code" in
    1 | 3 | 4) cat nightly/latest.txt ;;
    *) echo "ended without a verdict; see nightly-${SLURM_JOB_ID:-}.log" ;;
  esac | mail -s "imbal-bench nightly: exit code $code" "${MAILTO:-$USER}"
fi
exit "$code"
