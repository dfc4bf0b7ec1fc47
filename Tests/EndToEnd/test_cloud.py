# SPDX-License-Identifier: Apache-2.0
"""Millrace on AWS: the templates by cfn-lint and moto, what a machine writes at its start, and what it costs."""

from __future__ import annotations

import pathlib
import re
import sys
import urllib.request

import pytest
import yaml

from process import Process
from server import free_port
from shipped import INFRA, PATH, complaints, every, run, tool

CLOUD = INFRA / "cloud"


def test_the_templates_are_as_they_should_be() -> None:
    run("bash", "-n", CLOUD / "node.sh")
    run("cfn-lint", "--non-zero-exit-code", "warning", "--regions", "us-east-1", "--", CLOUD / "region.yml",
        CLOUD / "global.yml")


@pytest.fixture(scope="module")
def aws():
    """moto, which makes stacks of templates without making anything."""
    port = free_port()
    with Process([tool("moto_server"), "-H", "127.0.0.1", "-p", port], lambda: answers(f"http://127.0.0.1:{port}/moto-api/"),
                 seconds=60):
        yield Account(f"http://127.0.0.1:{port}")


def answers(url: str) -> bool:
    try:
        urllib.request.urlopen(url, timeout=5).close()
    except OSError:
        return False
    return True


class Account:
    """Clients of one account."""

    def __init__(self, url: str) -> None:
        import boto3
        self.url, self.session = url, boto3.Session("one", "two")

    def __call__(self, service: str, region: str = "us-east-1"):
        return self.session.client(service, region_name=region, endpoint_url=self.url)

    def make(self, template: str, parameters: dict[str, str], region: str = "us-east-1") -> dict[str, str]:
        """Makes a stack, to its end; its outputs."""
        client = self("cloudformation", region)
        # Whatever a template says, moto makes application balancers, whose listeners speak HTTP; and no distributions.
        text = re.sub(r"Protocol: (TCP|TLS)\n(      SslPolicy.*\n      Certificates.*\n)?(?=      DefaultActions)",
                      "Protocol: HTTP\n", (CLOUD / f"{template}.yml").read_text())
        text = text.replace("!GetAtt Distribution.DomainName", "d111111abcdef8.cloudfront.net")
        client.create_stack(
            StackName=template, TemplateBody=text, Capabilities=["CAPABILITY_IAM"],
            Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()])
        stack, = client.describe_stacks(StackName=template)["Stacks"]
        assert stack["StackStatus"] == "CREATE_COMPLETE"
        return {each["OutputKey"]: each["OutputValue"] for each in stack.get("Outputs", [])}

    def parameters(self, name: str, number: int, region: str, zone: str) -> dict[str, str]:
        """Those of a region of Millrace in a region of AWS."""
        secret = self("secretsmanager", region).create_secret(Name="millrace", SecretString="MILLRACE_…")["ARN"]
        certificate = self("acm", region).request_certificate(DomainName="live.example.org")["CertificateArn"]
        return {"RegionName": name, "Domain": "live.example.org", "HostedZone": zone, "Certificate": certificate,
                "Package": "s3://packages/millrace.deb", "PackageBucketArn": "arn:aws:s3:::packages", "Secrets": secret,
                "Image": self("ec2", region).describe_images()["Images"][0]["ImageId"], "NetworkNumber": str(number),
                "Operator": "operator@example.org"}


def test_two_regions_can_be_made_and_a_cdn_before_them(aws) -> None:
    """As the document says: the first, the second, which peers, and CloudFront, which asks whichever is near."""
    zone = aws("route53").create_hosted_zone(Name="example.org", CallerReference="one")["HostedZone"]["Id"]
    zone = zone.split("/")[-1]
    first = aws.make("region", aws.parameters("east", 64, "us-east-1", zone))
    # moto peers within one region of AWS alone: a network of the second stands for that of the first.
    network = aws("ec2", "us-west-2").create_vpc(CidrBlock="10.64.0.0/16")["Vpc"]["VpcId"]
    peered = {"PeerVpc": network, "PeerRegion": "us-east-1", "PeerNumber": "64"}
    second = aws.make("region", aws.parameters("west", 65, "us-west-2", zone) | peered, "us-west-2")
    assert second["EdgesHost"] == first["EdgesHost"] and first["Vpc"] and "PeeringConnection" not in first

    for region in ("us-east-1", "us-west-2"):
        groups = aws("autoscaling", region).describe_auto_scaling_groups()["AutoScalingGroups"]
        for kind in ("Origin", "Edge", "Shield", "Router"):
            assert [each["MinSize"] for each in groups if kind in each["AutoScalingGroupName"]] == [2], groups
        balancers = aws("elbv2", region).describe_load_balancers()["LoadBalancers"]
        ports = [listener["Port"] for each in balancers for listener in aws("elbv2", region).describe_listeners(
            LoadBalancerArn=each["LoadBalancerArn"])["Listeners"]]
        assert sorted(ports) == [443, 1935, 1936]
    assert len(aws("iam").list_users()["Users"]) == 4 and len(aws("s3").list_buckets()["Buckets"]) == 2
    connection, = aws("ec2", "us-west-2").describe_vpc_peering_connections()["VpcPeeringConnections"]
    assert connection["VpcPeeringConnectionId"] == second["PeeringConnection"]
    assert connection["AccepterVpcInfo"]["VpcId"] == network
    tables = aws("ec2", "us-west-2").describe_route_tables()["RouteTables"]
    routes = [route for table in tables for route in table["Routes"]]
    assert [each["DestinationCidrBlock"] for each in routes if "VpcPeeringConnectionId" in each] == ["10.64.0.0/16"]

    records = aws("route53").list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]
    for name in ("live.example.org", "publish.live.example.org", first["EdgesHost"]):
        regions = {each.get("Region") for each in records if each["Name"].rstrip(".") == name}
        assert regions == {"us-east-1", "us-west-2"}, f"{name}: {regions}"
    named = {each["Name"].rstrip(".") for each in records}
    assert {"edges-east.live.example.org", "edges-west.live.example.org"} <= named

    # That it takes the parameters, and makes the name, is what moto can say of this one.
    values = {"Domain": "cdn.live.example.org", "HostedZone": zone, "Certificate": "arn:aws:acm:us-east-1:1:one",
              "EdgesHost": first["EdgesHost"], "RecordingsBucket": first["RecordingsBucket"], "PublicKey": "PEM"}
    assert set(values) == set(loaded("global")["Parameters"])
    aws.make("global", values)
    records = aws("route53").list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]
    assert "cdn.live.example.org" in {each["Name"].rstrip(".") for each in records}


def loaded(name: str) -> dict:
    return yaml.load((CLOUD / f"{name}.yml").read_text(), Loader=template_loader())


def properties(name: str, template: str = "region") -> dict:
    return loaded(template)["Resources"][name]["Properties"]


def test_the_cdn_asks_every_region() -> None:
    """The name that CloudFront fetches from is one by latency, that the balancer of each region leads to edges."""
    host = loaded("region")["Outputs"]["EdgesHost"]["Value"]
    assert host == properties("NearestEdgesName")["Name"] == "edges.${Domain}"
    condition, = properties("ToEdges")["Conditions"]
    assert "edges.${Domain}" in condition["HostHeaderConfig"]["Values"]
    distribution = properties("Distribution", "global")["DistributionConfig"]
    edges, = (each for each in distribution["Origins"] if each["Id"] == "edges")
    # A shield would ask from one place for the whole world, and so one region.
    assert edges["DomainName"] == "EdgesHost" and "OriginShield" not in edges


def test_metrics_are_not_for_the_world() -> None:
    """However spelled: nodes pass over empty components of a path. What viewers ask for is not held up."""
    condition, = properties("NotForTheWorld")["Conditions"]
    patterns = condition["PathPatternConfig"]["Values"]
    assert len(patterns) + sum(each.count("*") for each in patterns) <= 10, "more than a rule may have"

    def stopped(path: str) -> bool:
        return any(re.fullmatch(re.escape(each).replace(r"\*", ".*").replace(r"\?", "."), path) for each in patterns)

    for path in ("/metrics", "/metrics/", "//metrics", "/metrics//", "///metrics/", "/api/v1/cluster",
                 "/api/v1/cluster/drain", "/api//v1/cluster", "//api/v1/cluster"):
        assert stopped(path), path
    for path in ("/live/metrics/index.m3u8", "/live/room/main/7/12.m4s", "/~token/live/room/index.m3u8",
                 "/api/v1/streams"):
        assert not stopped(path), path


def test_nodes_outlast_the_connections_of_balancers(tmp_path) -> None:
    """Who sends requests by a connection must be the first to close it idle: CloudFront, the balancer, the node."""
    node = yaml.safe_load(settings_of("edge", tmp_path))["http"]["idle_timeout"]
    balancer = {each["Key"]: each["Value"] for each in properties("Balancer")["LoadBalancerAttributes"]}
    edges = properties("Distribution", "global")["DistributionConfig"]["Origins"][0]["CustomOriginConfig"]
    balanced = int(balancer["idle_timeout.timeout_seconds"])
    assert edges["OriginKeepaliveTimeout"] < balanced < int(node.removesuffix("m")) * 60


@pytest.mark.parametrize("kind", ["Origin", "Edge", "Shield", "Router"])
def test_an_upgrade_waits_for_nodes_that_serve(kind) -> None:
    """One at a time, beside as many as there shall be, the next when the machine has said so; who goes may drain."""
    resources = loaded("region")["Resources"]
    group = resources[f"{kind}Nodes"]
    least, most = group["Properties"]["MinSize"], group["Properties"]["MaxSize"]
    update = group["UpdatePolicy"]["AutoScalingRollingUpdate"]
    assert update["WaitOnResourceSignals"] and update["PauseTime"] == "PT10M" and update["MaxBatchSize"] == 1
    assert str(update["MinInstancesInService"]) == least != most
    if least in loaded("region")["Parameters"] and most.isdigit():
        assert loaded("region")["Parameters"][least]["MaxValue"] < int(most)
    assert {"HealthCheck", "ReplaceUnhealthy", "AZRebalance", "AlarmNotification"} <= set(update["SuspendProcesses"])
    assert str(group["CreationPolicy"]["ResourceSignal"]["Count"]) == least
    # A machine that begins before it can reach the Internet never comes to say anything.
    assert set(group["DependsOn"]) == {"RouteOut", "RoutesA", "RoutesB"}
    assert f"GROUP={kind}Nodes\n" in user_data(kind)
    leaves = resources[f"{kind}Leaves"]["Properties"]
    assert leaves["AutoScalingGroupName"] == f"{kind}Nodes" and leaves["HeartbeatTimeout"] >= 150
    assert resources[f"{kind}Template"]["Properties"]["LaunchTemplateData"]["Monitoring"] == {"Enabled": True}


def test_what_is_scaled_and_alarmed_by_is_measured() -> None:
    """The groups publish what alarms read, and edges follow what their parameter says."""
    group, most = properties("EdgeNodes"), properties("EdgesAtTheirMost")
    assert most["MetricName"] in {metric for each in group["MetricsCollection"] for metric in each["Metrics"]}
    tracking = properties("EdgeScaling")["TargetTrackingConfiguration"]
    sent, used = tracking["CustomizedMetricSpecification"]["Metrics"]
    share = used["Expression"].replace("${EdgeMegabits}", "1500").replace(sent["Id"], str(1500e6 * 0.7 * 60 / 8))
    numbers = [float(each) for each in re.split(r" [*/] ", share)]
    assert re.findall(r" ([*/]) ", share) == ["*", "/", "/", "/", "*"]
    percent = numbers[0] * numbers[1] / numbers[2] / numbers[3] / numbers[4] * numbers[5]
    assert percent == pytest.approx(tracking["TargetValue"]) == 70
    failing = {each["Properties"]["MetricName"] for each in loaded("region")["Resources"].values()
               if each["Type"] == "AWS::CloudWatch::Alarm"}
    assert {"HTTPCode_Target_5XX_Count", "HTTPCode_ELB_5XX_Count"} <= failing


def test_nobody_may_more_than_it_needs() -> None:
    """No statement allows all of something, nor anything on all but the one that knows no resources."""
    template = loaded("region")
    allowed = [each for each in every(template)
               if isinstance(each, dict) and each.get("Effect") == "Allow" and "Action" in each]
    assert len(allowed) >= 10
    for statement in allowed:
        actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
        assert not any("*" in action for action in actions), statement
        if statement.get("Resource") == "*":
            assert actions == ["ec2:DescribeInstances"], statement
        if statement.get("Sid") == "CloudFrontReads":
            assert statement["Condition"]["StringEquals"]["aws:SourceArn"].endswith(":distribution/${Distribution}")


@pytest.mark.parametrize(("kind", "secret"), [("Origin", "RecorderSecret"), ("Edge", "ReaderSecret"),
                                              ("Shield", "ReaderSecret"), ("Router", None)])
def test_who_gets_which_secret(kind, secret) -> None:
    """A machine may ask for what it is told to ask for, and for nothing else; only origins may write recordings."""
    resources = loaded("region")["Resources"]
    data = resources[f"{kind}Template"]["Properties"]["LaunchTemplateData"]
    told = re.search(r'^SECRETS="(.*)"$', user_data(kind), re.M)[1]
    assert re.findall(r"\$\{(\w+)\}", told) == ["Secrets", *([secret] if secret else [])]
    profile = data["IamInstanceProfile"]["Arn"].removesuffix(".Arn")
    role, = resources[profile]["Properties"]["Roles"]
    shared, = resources[role]["Properties"]["ManagedPolicyArns"]
    policies = [resources[shared]["Properties"], *resources[role]["Properties"].get("Policies", [])]
    may = [each["Resource"] for policy in policies for each in policy["PolicyDocument"]["Statement"]
           if each["Action"] == "secretsmanager:GetSecretValue"]
    assert may == ["Secrets", *([secret] if secret else [])]
    if secret:
        key, = set(re.findall(r"\$\{(\w+)\}", resources[secret]["Properties"]["SecretString"]))
        policy, = resources[resources[key]["Properties"]["UserName"]]["Properties"]["Policies"]
        actions = [statement["Action"] for statement in policy["PolicyDocument"]["Statement"]]
        assert ("s3:PutObject" in str(actions)) == ("s3:DeleteObject" in str(actions)) == (kind == "Origin")
    assert bool(secret) == ("BUCKET=${Recordings}" in user_data(kind))


def user_data(kind: str) -> str:
    return properties(f"{kind}Template")["LaunchTemplateData"]["UserData"]["Fn::Base64"]


def node_sh(words: str, values: dict[str, str]) -> str:
    """What node.sh's functions print, in a machine's place."""
    return run("bash", "-euc", f". {CLOUD}/node.sh; {words}", env={
        "REGION": "east", "DOMAIN": "live.example.org", "CAPACITY": "1500", "PACKAGE": "s3://packages/millrace.deb",
        "SECRETS": "", "BUCKET": "recordings", "RETENTION_HOURS": "720", "PEER_REGION": "us-west-2",
        "PEER_NUMBER": "65", "STACK": "millrace-east", "GROUP": "EdgeNodes", "AWS_DEFAULT_REGION": "us-east-1",
        "PATH": PATH} | values).stdout


def settings_of(role: str, folder: pathlib.Path) -> str:
    values = {"ROOT": str(folder), "ROLE": role} | ({"BUCKET": "", "RETENTION_HOURS": ""} if role == "router" else {})
    node_sh("write_settings i-0123456789abcdef0 us-east-1a 10.64.0.9 192.0.2.9; write_helpers", values)
    return (folder / "etc/millrace/millrace.yml").read_text()


@pytest.mark.parametrize("role", ["origin", "edge", "shield", "router"])
def test_a_machine_is_told_what_it_reads(role) -> None:
    """node.sh has each variable that it uses, of names that the template knows."""
    template, text = loaded("region"), user_data(role.title())
    given = set(re.findall(r"^(\w+)=", text, re.M))
    used = set(re.findall(r"(?<!\\)\$\{?([A-Z_]+)", (CLOUD / "node.sh").read_text())) - {"ROOT", "AWS_DEFAULT_REGION"}
    assert given == used, f"given {given}, used {used}"
    known = set(template["Parameters"]) | set(template["Resources"]) | {"AWS::Region", "AWS::StackName"}
    assert set(re.findall(r"\$\{([\w:]+)\}", text)) <= known
    assert f"ROLE={role}\n" in text


@pytest.mark.parametrize("role", ["origin", "edge", "shield", "router"])
def test_a_machine_of_aws_becomes_a_node(role, tmp_path, binary) -> None:
    """The settings and units that node.sh writes, by the variables that the template gives it."""
    written = yaml.safe_load(settings_of(role, tmp_path))
    assert written.get("edge", {}).get("shield", False) == (role == "shield")
    secret = {"MILLRACE_CLUSTER_KEY": "0" * 64, "MILLRACE_ACCESS_SECRET": "x" * 32}
    if role == "router":
        assert "storage" not in written
    else:
        secret |= {"MILLRACE_STORAGE_ACCOUNT": "one", "MILLRACE_STORAGE_SECRET": "two"}
    assert not (said := complaints(secret | {"MILLRACE_CONFIG": str(tmp_path / "etc/millrace/millrace.yml")})), said
    units = tmp_path / "etc/systemd/system"
    assert "IPAddressDeny=169.254.169.254\n" in (units / "millrace.service.d/metadata.conf").read_text()
    (units / "millrace.service").write_text("[Service]\nExecStart=/bin/true\n")
    done = run("systemd-analyze", "verify", "--man=no", units / "millrace.service")
    assert "millrace" not in done.stderr, done.stderr
    for name in ("millrace-seeds", "millrace-leave"):
        run("bash", "-n", tmp_path / "usr/local/sbin" / name)
        for end in ("service", "timer"):
            unit = units / f"{name}.{end}"
            unit.write_text(unit.read_text().replace("/usr/local/sbin", str(tmp_path / "usr/local/sbin")))
        done = run("systemd-analyze", "verify", "--man=no", units / f"{name}.timer")
        assert name not in done.stderr, done.stderr


@pytest.fixture
def stubs(tmp_path) -> pathlib.Path:
    """In place of what asks AWS: curl ends as $CURL says; aws writes its words to $SAID, and fails at $AWAY."""
    folder = tmp_path / "stubs"
    folder.mkdir()
    (folder / "curl").write_text('#!/bin/sh\nexit "${CURL:-0}"\n')
    (folder / "aws").write_text('#!/bin/sh\necho "$@" >>"$SAID"\ncase "$*" in *"$AWAY"*) exit 255 ;; esac\n'
                                'printf "10.0.0.1\\t10.0.0.2\\n"\n')
    for each in folder.iterdir():
        each.chmod(0o755)
    return folder


@pytest.mark.parametrize(("curl", "word"), [("0", "SUCCESS"), ("22", "FAILURE")])
def test_a_machine_says_whether_its_node_serves(curl, word, stubs, tmp_path) -> None:
    """After /ready and not before; and a stack that waits for nobody is no fault."""
    said = tmp_path / "said"
    for away in ("nothing", "signal-resource"):
        node_sh("tell i-0123456789abcdef0", {"ROOT": str(tmp_path), "ROLE": "edge", "CURL": curl, "SAID": str(said),
                                             "AWAY": away, "PATH": f"{stubs}:{PATH}"})
    assert said.read_text().splitlines() == 2 * [
        "cloudformation signal-resource --stack-name millrace-east --logical-resource-id EdgeNodes "
        f"--unique-id i-0123456789abcdef0 --status {word}"]
    main = (CLOUD / "node.sh").read_text().partition("main() {")[2]
    assert main.index("apt-get install") < main.index('tell "$instance"')


def test_nodes_find_their_region_and_its_peer(stubs, tmp_path) -> None:
    """By what runs now; and while the peer's region does not answer, what was known of it stays."""
    settings = yaml.safe_load(settings_of("edge", tmp_path))["cluster"]
    environment = {"PATH": f"{stubs}:{PATH}", "SAID": str(tmp_path / "said"), "AWAY": "nothing"}
    run(tmp_path / "usr/local/sbin/millrace-seeds", env=environment)
    own, peer = (tmp_path / "said").read_text().splitlines()
    assert "--region us-east-1" in own and "Name=tag:millrace,Values=east" in own
    assert "--region us-west-2" in peer and "Name=private-ip-address,Values=10.65.*" in peer
    for name, setting in (("seeds", "seeds"), ("remote-seeds", "remote_seeds")):
        assert settings[setting] == [f"file:/etc/millrace/{name}"]
        assert (tmp_path / "etc/millrace" / name).read_text().split() == ["10.0.0.1", "10.0.0.2"]
    for away, code in (("us-west-2", 0), ("us-east-1", 255)):
        done = run(tmp_path / "usr/local/sbin/millrace-seeds", check=False, env=environment | {"AWAY": away})
        assert done.returncode == code
        for name in ("seeds", "remote-seeds"):
            assert (tmp_path / "etc/millrace" / name).read_text().split() == ["10.0.0.1", "10.0.0.2"]


def test_the_estimate_is_that_of_the_document() -> None:
    made = run(sys.executable, CLOUD / "estimate.py").stdout
    assert made in (CLOUD / "README.md").read_text()


def test_the_estimate_counts_what_is_billed() -> None:
    """Rows reckoned by hand: hours of 730 a month, 1 314 000 segments of two seconds, 985.5 GB for 3 Mbit/s."""
    lines = run(sys.executable, CLOUD / "estimate.py").stdout.splitlines()[2:]
    rows = {name.strip(): [int(each.replace(",", "")) for each in numbers]
            for name, *numbers in (line.strip("|").split("|") for line in lines)}
    assert rows["writes of recordings"][0] == round(5 * 1_314_000 * 2 * 0.000005)
    assert rows["requests to CloudFront"][1] == round(1500 / 4 * 1_314_000 * 0.000001)
    # Six machines, two with 40 GB, the others with 8; four addresses more for the balancers.
    assert rows["disks, addresses, monitoring"][0] == round((2 * 40 + 4 * 8) * 0.08 + 6 * 2.1 + (6 + 4) * 730 * 0.005)
    assert rows["load balancers"][0] == round(2 * 730 * 0.0225 + 98_550 * 0.008 + 4_927.5 * 0.006)
    for column in range(3):
        *parts, whole = (row[column] for row in rows.values())
        assert whole == pytest.approx(sum(parts), abs=len(parts))
    sizes = yaml.safe_load((CLOUD / "sizes.yml").read_text())["sizes"]
    assert [each["cdn"] for each in sizes.values()] == [0, 0.25, 0.25], "the document says a quarter"


def template_loader():
    """Reads CloudFormation's short forms: what stands behind the tag, as it stands."""
    class Loader(yaml.SafeLoader):
        pass

    def construct(loader, _, node):
        kinds = {yaml.ScalarNode: loader.construct_scalar,
                 yaml.SequenceNode: lambda each: loader.construct_sequence(each, True)}
        return kinds.get(type(node), lambda each: loader.construct_mapping(each, True))(node)

    Loader.add_multi_constructor("!", construct)
    return Loader
