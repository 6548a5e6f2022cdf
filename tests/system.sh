#!/bin/sh
# Installs the Debian packages that the tests need, as root or with sudo; otherwise says which.
set -eu
voices="flite festival festvox-kallpc16k espeak-ng"
# A sound system without a sound card, and what compiles PyAudio.
sound="pulseaudio pulseaudio-utils libasound2-plugins jackd2 pulseaudio-module-jack"
build="portaudio19-dev gcc python3-dev"
wanted="$voices $sound $build chromium"
missing=""
for package in $wanted; do
    dpkg -s "$package" >/dev/null 2>&1 || missing="$missing $package"
done
[ -n "$missing" ] || exit 0
if [ "$(id -u)" = 0 ]; then
    sudo=""
elif sudo -n true 2>/dev/null; then
    sudo="sudo -n"
else
    echo "the tests need Debian packages; run: sudo apt-get install$missing" >&2
    exit 2
fi
$sudo apt-get update -qq
# shellcheck disable=SC2086
DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq $missing >/dev/null
