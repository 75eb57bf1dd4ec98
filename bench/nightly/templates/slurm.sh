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

# 0 passed, 1 a regression, 3 inconclusive, 4 incomplete, 130 cut off. A hook for chat or mail reads one screen:
if [ "$code" -ne 0 ] && [ -f nightly/latest.txt ] && command -v mail > /dev/null; then
  mail -s "imbal-bench nightly: exit code $code" "${MAILTO:-$USER}" < nightly/latest.txt
fi
exit "$code"
