# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Makes a Millrace node of a machine that region.yml has begun, by these variables: ROLES, REGION, DOMAIN, PACKAGE,
# SECRETS, BUCKET, CAPACITY, REMOTE_SEEDS. It lies beside the package in its bucket. With ROOT the files go there, and
# nothing is installed: so the checks look at what it writes.

ROOT=${ROOT:-}

metadata() {
    local token
    token=$(curl -sf -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 60' http://169.254.169.254/latest/api/token)
    curl -sf -H "X-aws-ec2-metadata-token: $token" "http://169.254.169.254/latest/meta-data/$1"
}

place() { # What others reach this node by.
    case $ROLES in
        edge) echo "https://edges-$REGION.$DOMAIN" ;;
        router) echo "https://routers-$REGION.$DOMAIN" ;;
        origin) echo "https://origins-$REGION.$DOMAIN" ;;
    esac
}

write_settings() { # INSTANCE ZONE PRIVATE-ADDRESS PUBLIC-ADDRESS
    mkdir -p "$ROOT/etc/millrace"
    cat >"$ROOT/etc/millrace/millrace.yml" <<SETTINGS
roles: [$ROLES]
node:
  name: $ROLES-$1
  region: $REGION
  zone: $2
  advertise: $3
  viewer_url: $(place)
  publisher_url: rtmp://publish.$DOMAIN:1935
  capacity: $CAPACITY
cluster:
  # millrace-seeds writes it anew each half minute.
  seeds: ["file:/etc/millrace/seeds"]
  remote_seeds: [$REMOTE_SEEDS]
access:
  trust_loopback: false
limits:
  trusted_addresses: [127.0.0.0/8, "::1", 10.0.0.0/8]
router:
  trusted_proxies: [10.0.0.0/8]
rtp:
  enabled: false
webrtc:
  public_addresses: [$4]
SETTINGS
    # Edges and routers, too: viewers go back by what the bucket has.
    cat >>"$ROOT/etc/millrace/millrace.yml" <<SETTINGS
storage:
  kind: s3
  endpoint: https://s3.$AWS_DEFAULT_REGION.amazonaws.com
  region: $AWS_DEFAULT_REGION
  addressing: host
  bucket: $BUCKET
  spill: /var/lib/millrace
  retention: ["*=${RETENTION_HOURS}h"]
SETTINGS
}

write_helpers() {
    mkdir -p "$ROOT/usr/local/sbin" "$ROOT/etc/systemd/system"
    cat >"$ROOT/usr/local/sbin/millrace-seeds" <<SEEDS
#!/bin/bash
# The private addresses of the region's nodes; a node reads them at its start and once a minute.
set -eu
aws --region $AWS_DEFAULT_REGION ec2 describe-instances --output text \\
    --filters Name=tag:millrace,Values=$REGION Name=instance-state-name,Values=running \\
    --query 'Reservations[].Instances[].PrivateIpAddress' | tr '\\t' '\\n' >/etc/millrace/seeds.new
mv /etc/millrace/seeds.new /etc/millrace/seeds
SEEDS
    cat >"$ROOT/usr/local/sbin/millrace-leave" <<'LEAVE'
#!/bin/bash
# Stops the node, which drains it, when its scaling group wants the machine to go.
set -eu
token=$(curl -sf -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 60' http://169.254.169.254/latest/api/token)
state=$(curl -sf -H "X-aws-ec2-metadata-token: $token" \
    http://169.254.169.254/latest/meta-data/autoscaling/target-lifecycle-state || true)
if [[ $state == Terminated ]]; then systemctl stop millrace; fi
LEAVE
    chmod 0755 "$ROOT/usr/local/sbin/millrace-seeds" "$ROOT/usr/local/sbin/millrace-leave"
    timer millrace-seeds 30s "Look for the nodes of the region"
    timer millrace-leave 5s "Drain before the machine goes"
}

timer() { # NAME INTERVAL DESCRIPTION
    printf '[Unit]\nDescription=%s\n[Service]\nType=oneshot\nExecStart=/usr/local/sbin/%s\n' "$3" "$1" \
        >"$ROOT/etc/systemd/system/$1.service"
    printf '[Unit]\nDescription=%s\n[Timer]\nOnBootSec=5s\nOnUnitActiveSec=%s\nAccuracySec=1s\n[Install]\nWantedBy=timers.target\n' \
        "$3" "$2" >"$ROOT/etc/systemd/system/$1.timer"
}

main() {
    write_settings "$(metadata instance-id)" "$(metadata placement/availability-zone)" "$(metadata local-ipv4)" \
        "$(metadata public-ipv4)"
    write_helpers
    local secret
    umask 077
    for secret in $SECRETS; do
        aws secretsmanager get-secret-value --secret-id "$secret" --query SecretString --output text
    done >/etc/millrace/millrace.env
    umask 022
    /usr/local/sbin/millrace-seeds
    aws s3 cp "$PACKAGE" /root/millrace.deb
    apt-get update -q
    # The settings of above stay.
    DEBIAN_FRONTEND=noninteractive apt-get install -y -q -o Dpkg::Options::=--force-confold /root/millrace.deb
    systemctl daemon-reload
    systemctl enable --now millrace-seeds.timer millrace-leave.timer
}

[[ $ROOT ]] || main
