#!/bin/sh
# What must be there before the rest starts: certificates, the schema, the broker's files. May be repeated.
set -eu
umask 077
cat >/srv/pki/certificates.conf <<CONF
CA_NAME="CA $SERVER_NAME"
COMMON_NAME="$SERVER_NAME"
NAMES="DNS:$SERVER_NAME,DNS:broker,DNS:localhost,IP:$SERVER_ADDRESS"
CA_DAYS=7300
DAYS=397
RENEW_DAYS=30
KEY_GROUP=
CONF
poste-public-certificates /srv/pki/certificates.conf
ppm migrate
ppm broker write --into /srv/passwords
