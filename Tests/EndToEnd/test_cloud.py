# SPDX-License-Identifier: Apache-2.0
"""What makes Millrace on AWS: the templates by cfn-lint and moto, what a machine writes at its start, and what it costs."""

from __future__ import annotations

import re
import subprocess
import sys
import urllib.request

import pytest
import yaml

from server import free_port, wait_until
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
    server = subprocess.Popen([tool("moto_server"), "-H", "127.0.0.1", "-p", str(port)], stdin=subprocess.DEVNULL,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: answers(f"http://127.0.0.1:{port}/moto-api/"), 60, "moto")
        yield Account(f"http://127.0.0.1:{port}")
    finally:
        server.kill()
        server.wait()


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
        self.url, self.session = url, boto3.Session("one", "two", region_name="us-east-1")

    def __call__(self, service: str):
        return self.session.client(service, endpoint_url=self.url)

    def make(self, name: str, parameters: dict[str, str]) -> str:
        """Makes a stack; its state in the end."""
        client = self("cloudformation")
        # Whatever a template says, moto makes application balancers, whose listeners speak HTTP.
        text = (CLOUD / f"{name}.yml").read_text().replace("Port: 1935\n      Protocol: TCP\n      DefaultActions",
                                                           "Port: 1935\n      Protocol: HTTP\n      DefaultActions")
        client.create_stack(StackName=name, TemplateBody=text,
                            Capabilities=["CAPABILITY_IAM"],
                            Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()])
        stack, = client.describe_stacks(StackName=name)["Stacks"]
        return stack["StackStatus"]


def test_a_region_can_be_made(aws) -> None:
    zone = aws("route53").create_hosted_zone(Name="example.org", CallerReference="one")["HostedZone"]["Id"].split("/")[-1]
    image = aws("ec2").describe_images()["Images"][0]["ImageId"]
    secret = aws("secretsmanager").create_secret(Name="millrace", SecretString="MILLRACE_CLUSTER_KEY=…")["ARN"]
    certificate = aws("acm").request_certificate(DomainName="live.example.org")["CertificateArn"]
    assert aws.make("region", {
        "RegionName": "east", "Domain": "live.example.org", "HostedZone": zone, "Certificate": certificate,
        "Package": "s3://packages/millrace.deb", "PackageBucketArn": "arn:aws:s3:::packages", "Image": image,
        "Secrets": secret, "NetworkNumber": "64", "Operator": "operator@example.org"}) == "CREATE_COMPLETE"
    groups = aws("autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"]
    for kind in ("Origin", "Edge", "Router"):
        assert [each["MinSize"] for each in groups if kind in each["AutoScalingGroupName"]] == [2], groups
    assert len(aws("elbv2").describe_load_balancers()["LoadBalancers"]) == 2
    records = aws("route53").list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]
    made = {each["Name"].rstrip(".") for each in records}
    assert {"live.example.org", "publish.live.example.org", "edges-east.live.example.org"} <= made
    assert len(aws("s3").list_buckets()["Buckets"]) == len(aws("iam").list_users()["Users"]) == 1
    there = aws("cloudformation").describe_stack_resources(StackName="region")["StackResources"]
    made = {each.get("LogicalResourceId") for each in there}
    assert made >= {"Listener", "NotForTheWorld", "EdgeNodes", "PublishName"}, sorted(map(str, made))


def test_nobody_may_more_than_it_needs() -> None:
    """No statement allows all of something, nor anything on all but the one that knows no resources."""
    template = yaml.load((CLOUD / "region.yml").read_text(), Loader=template_loader())
    allowed = [each for each in every(template) if isinstance(each, dict) and each.get("Effect") == "Allow" and "Action" in each]
    assert len(allowed) >= 6
    for statement in allowed:
        actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
        assert not any("*" in action for action in actions), statement
        if statement.get("Resource") == "*":
            assert actions == ["ec2:DescribeInstances"], statement


@pytest.mark.parametrize("role", ["origin", "edge", "router"])
def test_a_machine_of_aws_becomes_a_node(role, tmp_path, binary) -> None:
    """The settings and units that node.sh writes, by the variables that the template gives it."""
    template = yaml.load((CLOUD / "region.yml").read_text(), Loader=template_loader())
    data = template["Resources"][f"{role.title()}Template"]["Properties"]["LaunchTemplateData"]["UserData"]
    text, more = data["Fn::Base64"]
    given = set(re.findall(r"^(\w+)=", text, re.M))
    used = set(re.findall(r"\$\{?([A-Z_]+)", (CLOUD / "node.sh").read_text())) - {"ROOT", "AWS_DEFAULT_REGION"}
    assert given == used, f"given {given}, used {used}"
    known = set(template["Parameters"]) | set(template["Resources"]) | set(more) | {"AWS::Region"}
    assert set(re.findall(r"\$\{([\w:]+)\}", text)) <= known
    values = {"ROOT": str(tmp_path), "ROLES": role, "REGION": "east", "DOMAIN": "live.example.org", "CAPACITY": "1500",
              "PACKAGE": "s3://packages/millrace.deb", "SECRETS": "", "BUCKET": "recordings", "RETENTION_HOURS": "720",
              "REMOTE_SEEDS": "10.65.0.9",
              "AWS_DEFAULT_REGION": "us-east-1", "PATH": PATH}
    run("bash", "-euc", f". {CLOUD}/node.sh; write_settings i-0123456789abcdef0 us-east-1a 10.64.0.9 192.0.2.9; write_helpers",
        env=values)
    secret = {"MILLRACE_CLUSTER_KEY": "0" * 64, "MILLRACE_ACCESS_SECRET": "x" * 32, "MILLRACE_STORAGE_ACCOUNT": "one",
              "MILLRACE_STORAGE_SECRET": "two"}
    assert not (said := complaints(secret | {"MILLRACE_CONFIG": str(tmp_path / "etc/millrace/millrace.yml")})), said
    for name in ("millrace-seeds", "millrace-leave"):
        run("bash", "-n", tmp_path / "usr/local/sbin" / name)
        for end in ("service", "timer"):
            unit = tmp_path / "etc/systemd/system" / f"{name}.{end}"
            unit.write_text(unit.read_text().replace("/usr/local/sbin", str(tmp_path / "usr/local/sbin")))
        done = run("systemd-analyze", "verify", "--man=no", tmp_path / f"etc/systemd/system/{name}.timer")
        assert name not in done.stderr, done.stderr


def test_the_estimate_is_that_of_the_document() -> None:
    made = run(sys.executable, CLOUD / "estimate.py").stdout
    assert made in (CLOUD / "README.md").read_text()


def template_loader():
    """Reads CloudFormation's short forms: what stands behind the tag, as it stands."""
    class Loader(yaml.SafeLoader):
        pass

    def construct(loader, _, node):
        kinds = {yaml.ScalarNode: loader.construct_scalar, yaml.SequenceNode: lambda each: loader.construct_sequence(each, True)}
        return kinds.get(type(node), lambda each: loader.construct_mapping(each, True))(node)

    Loader.add_multi_constructor("!", construct)
    return Loader
