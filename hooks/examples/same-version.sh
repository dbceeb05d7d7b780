#!/bin/sh
# before-write, a file of the root that runs now: a release that is installed already is refused.
#
#   [[hook]]
#   name = "same-version"
#   at = "before-write"
#   file = "/usr/lib/drydock/same-version.sh"
#
# The facts are one line of JSON on the standard input.
read -r facts
fact() {
    echo "$facts" | sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p"
}
new=$(fact version)
good=$(fact good_version)
[ -n "$new" ] || { echo "the facts have no version"; exit 1; }
[ "$new" != "$good" ] || { echo "version $new is installed already"; exit 1; }
echo "version $new takes the place of ${good:-nothing}"
