#!/bin/bash
# The certificates of an update server and of devices, the server's and theirs from an authority each.
#
#   integration/demo/certificates.sh OUT [DEVICE...]
#
# OUT/server-ca.pem goes into the devices' configuration (network.ca), OUT/server.pem and server.key to the server,
# OUT/device-ca.pem to the server too, and OUT/DEVICE.pem and DEVICE.key to the device of that name. Without a name it is
# pump-0815. The authorities' keys stay here.
set -euo pipefail

mkdir -p "$1"
cd "$1"
shift
new="req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"

# authority NAME
authority() {
    openssl $new -x509 -days 3650 -subj "/CN=demo $1" -keyout "$1.key" -out "$1.pem" 2> /dev/null
}

# certify FILE AUTHORITY NAME
certify() {
    openssl $new -subj "/CN=$3" -keyout "$1.key" -out "$1.csr" 2> /dev/null
    openssl x509 -req -in "$1.csr" -CA "$2.pem" -CAkey "$2.key" -CAcreateserial -days 3650 \
        -extfile <(echo "subjectAltName=DNS:$3") -out "$1.pem" 2> /dev/null
    rm "$1.csr"
}

authority server-ca
authority device-ca
certify server server-ca updates.demo
for device in "${@:-pump-0815}"; do
    certify "$device" device-ca "$device"
done
echo "certificates: the server updates.demo, the devices ${*:-pump-0815}"
