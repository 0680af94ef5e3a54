# To be sourced. Installs packages on Debian for a test that cannot do without, as root and nowhere else.

# The packages would start services. This file is how Debian is told not to.
install_quietly() {
  local policy=/usr/sbin/policy-rc.d made=
  if [ ! -e "$policy" ]; then
    made=1
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod +x "$policy"
  fi
  local status=0
  apt-get update -qq || true
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "$@" >/dev/null || status=$?
  [ -z "$made" ] || rm -f "$policy"
  return "$status"
}

# Whether there is a way to install anything.
can_install() {
  [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null
}
