#!/bin/sh
# Makes the secrets of a deployment by compose, once, into docker/secrets. As root: each file is of the account that reads
# it in its container, and of nobody else.
set -eu
cd "$(dirname "$0")"
umask 077
mkdir -p secrets
for name in database code jwt backup metrics; do
    [ -s "secrets/$name" ] || openssl rand -hex 32 >"secrets/$name"
done
printf 'postgresql://ppm:%s@database/ppm\n' "$(cat secrets/database)" >secrets/database_url
chmod 400 secrets/*
chown 10001:10001 secrets/*
chown 999:999 secrets/database
