#!/bin/sh
# first-good, a file of the root image: the release is well once its application says so.
#
#   [[hook]]
#   name = "well"
#   at = "first-good"
#   file = "/usr/lib/drydock/well.sh"
#   wait_seconds = 120
#
# The live system's /run can be looked at here. 75 means that it is too early: the hook is called again while it may wait.
ready=/run/application/ready
[ -e "$ready" ] || { echo "$ready is not there yet"; exit 75; }
state=$(cat "$ready")
[ "$state" = well ] || { echo "the application says: $state"; exit 1; }
echo "the application is well"
