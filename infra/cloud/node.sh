# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Makes a Millrace node of a machine that region.yml has begun, by these variables: ROLE (origin, edge, shield, router),
# REGION, DOMAIN, PACKAGE, SECRETS, BUCKET and RETENTION_HOURS (empty where nothing is stored nor read), CAPACITY,
# PEER_REGION (of AWS, empty for none) and PEER_NUMBER, STACK and GROUP (which wait to hear that the node serves). It
# lies beside the package in its bucket. With ROOT the files go there, and nothing is installed: so the checks look at
# what it writes.

ROOT=${ROOT:-}

metadata() {
    local token
    token=$(curl -sf -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 60' http://169.254.169.254/latest/api/token)
    curl -sf -H "X-aws-ec2-metadata-token: $token" "http://169.254.169.254/latest/meta-data/$1"
}

place() { # What others reach this node by.
    case $ROLE in
        edge | shield) echo "https://edges-$REGION.$DOMAIN" ;;
        router) echo "https://routers-$REGION.$DOMAIN" ;;
        origin) echo "https://origins-$REGION.$DOMAIN" ;;
    esac
}

write_settings() { # INSTANCE ZONE PRIVATE-ADDRESS PUBLIC-ADDRESS
    local role=$ROLE remote=
    if [[ $ROLE == shield ]]; then role=edge; fi
    if [[ $PEER_REGION ]]; then remote='"file:/etc/millrace/remote-seeds"'; fi
    mkdir -p "$ROOT/etc/millrace"
    cat >"$ROOT/etc/millrace/millrace.yml" <<SETTINGS
roles: [$role]
node:
  name: $ROLE-$1
  region: $REGION
  zone: $2
  advertise: $3
  viewer_url: $(place)
  publisher_url: rtmp://publish.$DOMAIN:1935
  capacity: $CAPACITY
http:
  # Longer than the balancer keeps an idle connection, or it sends a request into one that this node has just closed.
  idle_timeout: 2m
cluster:
  # millrace-seeds writes them anew each half minute.
  seeds: ["file:/etc/millrace/seeds"]
  remote_seeds: [$remote]
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
    if [[ $ROLE == shield ]]; then
        printf 'edge:\n  shield: true\n' >>"$ROOT/etc/millrace/millrace.yml"
    fi
    # Edges, too: viewers go back by what the bucket has.
    if [[ $BUCKET ]]; then
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
    fi
}

write_helpers() {
    mkdir -p "$ROOT/usr/local/sbin" "$ROOT/etc/systemd/system"
    cat >"$ROOT/usr/local/sbin/millrace-seeds" <<SEEDS
#!/bin/bash
# The private addresses of the region's nodes, and of those of the region it is peered with; a node reads them at its
# start and once a minute. Where AWS does not answer, what was known stays; a peer that is away stops no node.
set -eu -o pipefail
look() { # FILE AWS-REGION FILTER
    aws --region "\$2" ec2 describe-instances --output text --filters "\$3" Name=instance-state-name,Values=running \\
        --query 'Reservations[].Instances[].PrivateIpAddress' | tr '\\t' '\\n' >"$ROOT/etc/millrace/\$1.new" &&
        mv "$ROOT/etc/millrace/\$1.new" "$ROOT/etc/millrace/\$1"
}
look seeds $AWS_DEFAULT_REGION Name=tag:millrace,Values=$REGION
SEEDS
    if [[ $PEER_REGION ]]; then
        # Any of its nodes, in the network that the peering leads to.
        cat >>"$ROOT/usr/local/sbin/millrace-seeds" <<SEEDS
look remote-seeds $PEER_REGION 'Name=private-ip-address,Values=10.$PEER_NUMBER.*' || true
SEEDS
    fi
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
    # Whoever makes the node ask other places for him shall not get the machine's rights.
    mkdir -p "$ROOT/etc/systemd/system/millrace.service.d"
    printf '[Service]\nIPAddressDeny=169.254.169.254\n' >"$ROOT/etc/systemd/system/millrace.service.d/metadata.conf"
    timer millrace-seeds 30s "Look for the nodes of the region"
    timer millrace-leave 5s "Drain before the machine goes"
}

timer() { # NAME INTERVAL DESCRIPTION
    printf '[Unit]\nDescription=%s\n[Service]\nType=oneshot\nExecStart=/usr/local/sbin/%s\n' "$3" "$1" \
        >"$ROOT/etc/systemd/system/$1.service"
    printf '[Unit]\nDescription=%s\n[Timer]\nOnBootSec=5s\nOnUnitActiveSec=%s\nAccuracySec=1s\n[Install]\nWantedBy=timers.target\n' \
        "$3" "$2" >"$ROOT/etc/systemd/system/$1.timer"
}

tell() { # INSTANCE: whether its node serves. A stack that waits for nobody, as where load made the machine, refuses it.
    local word=SUCCESS
    curl -sf -o /dev/null --retry 90 --retry-delay 5 --retry-all-errors --retry-max-time 480 \
        http://127.0.0.1:8080/ready || word=FAILURE
    aws cloudformation signal-resource --stack-name "$STACK" --logical-resource-id "$GROUP" --unique-id "$1" \
        --status "$word" || true
}

main() {
    local instance secret
    instance=$(metadata instance-id)
    write_settings "$instance" "$(metadata placement/availability-zone)" "$(metadata local-ipv4)" \
        "$(metadata public-ipv4)"
    write_helpers
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
    tell "$instance"
}

[[ $ROOT ]] || main
