#!/bin/sh
# Puts the executables, users, folders and systemd units of a control plane or of proxies on this host. Run again it brings all of it up to date and
# leaves /etc/kuma as it is.
#
#   sudo deploy/install.sh control-plane [--from DIR]
#   sudo deploy/install.sh data-plane --envoy PATH [--from DIR]
#
# --from: folder with kuma-cp, kuma-dp and kumactl (default: dist, which `npm run build` fills). DESTDIR=… installs below another folder, for packages.
set -eu

fail() {
  echo "install.sh: $1" >&2
  exit 1
}

here=$(cd "$(dirname "$0")" && pwd)
role=${1:-}
case $role in
  control-plane | data-plane) shift ;;
  -h | --help | help)
    sed -n '2,/^set /{/^#/s/^# \{0,1\}//p;}' "$0"
    exit 0
    ;;
  *) fail "say what to install: control-plane or data-plane; --help says more" ;;
esac
from=$here/../dist
envoy=
while [ $# -gt 0 ]; do
  case $1 in
    --from) from=${2:?--from needs a folder} && shift 2 ;;
    --envoy) envoy=${2:?--envoy needs a path} && shift 2 ;;
    *) fail "$1 is not known; expected --from or --envoy" ;;
  esac
done
root=${DESTDIR:-}
units=$root/etc/systemd/system
[ -n "$root" ] || [ "$(id -u)" = 0 ] || fail "needs root: it writes to /usr/local/bin and /etc"

programs="kumactl"
unit_files="kuma-cp.service"
if [ "$role" = control-plane ]; then
  programs="kuma-cp $programs"
else
  programs="kuma-dp $programs"
  unit_files="kuma-dp@.service kuma-dp-join@.service kuma-transparent-proxy.service"
  [ -n "$envoy" ] || fail "--envoy is missing: the path of the Envoy that kuma-dp runs"
  [ -x "$envoy" ] || fail "--envoy: $envoy is no executable"
fi
for program in $programs; do
  [ -x "$from/$program" ] || fail "--from: $from has no $program; build it with npm run build, or name another folder"
done

# Users of their own: a number for kuma-dp, as its traffic is told from others' by it.
if [ -z "$root" ]; then
  user=kuma-cp
  number=
  [ "$role" = control-plane ] || { user=kuma-dp && number="--uid 5678"; }
  # shellcheck disable=SC2086
  id "$user" >/dev/null 2>&1 || useradd --system $number --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin "$user"
fi

install -d "$root/usr/local/bin" "$units"
for program in $programs; do install -m 0755 "$from/$program" "$root/usr/local/bin/$program"; done
[ -z "$envoy" ] || install -m 0755 "$envoy" "$root/usr/local/bin/envoy"
for unit in $unit_files; do install -m 0644 "$here/systemd/$unit" "$units/$unit"; done

# Tokens lie here: only who needs them may look.
install -d -m 0750 "$root/etc/kuma"
[ -n "$root" ] || [ "$role" = control-plane ] || chgrp kuma-dp /etc/kuma
settings=$root/etc/kuma/kuma-cp.env
[ "$role" = control-plane ] || settings=$root/etc/kuma/kuma-dp.env
if [ ! -e "$settings" ]; then
  {
    echo "# Settings as NAME=value, a line each: docs/reference has all of them."
    [ "$role" = control-plane ] || echo "#KUMA_CONTROL_PLANE_URL=https://control-plane.example:5678"
    [ "$role" = control-plane ] || echo "#KUMA_CONTROL_PLANE_CA_CERT_FILE=/etc/kuma/ca.crt"
  } >"$settings"
  chmod 0640 "$settings"
fi
if [ -z "$root" ] && [ -d /run/systemd/system ]; then systemctl daemon-reload; fi

if [ "$role" = control-plane ]; then
  echo "installed; start it:  systemctl enable --now kuma-cp"
  echo "proxies verify it by: /var/lib/kuma-cp/kuma-cp.crt"
else
  echo "installed; for a proxy web-1 write /etc/kuma/web-1.yaml and /etc/kuma/web-1.token, name the control plane in /etc/kuma/kuma-dp.env, and start it:"
  echo "  systemctl enable --now kuma-dp@web-1"
  echo "or, with a join code, /etc/kuma/web-1.code and the application's port in /etc/kuma/web-1.env (KUMA_DATAPLANE_SERVICE_PORT=8080):"
  echo "  systemctl enable --now kuma-dp-join@web-1"
fi
