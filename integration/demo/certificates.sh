#!/bin/bash
# The certificates of an update server and of one device, each from an authority of its own.
#
#   integration/demo/certificates.sh OUT
#
# OUT/server-ca.pem goes into the devices' configuration (network.ca), OUT/server.pem and server.key to the server,
# OUT/device-ca.pem to the server too, and OUT/device.pem and device.key to the device. The authorities' keys stay here.
set -euo pipefail

mkdir -p "$1"
cd "$1"
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
certify device device-ca pump-0815
echo "certificates: the server updates.demo, the device pump-0815"
