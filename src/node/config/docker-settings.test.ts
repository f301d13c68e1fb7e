import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { IMAGE_SETTINGS } from '../../packages/platforms/image-names.ts';
import { hostConfigOf } from '../../runtimes/docker/host-config.ts';
import { parsePeerConfig } from './peer-config.ts';
import { readSources } from './sources.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'selvage-docker-settings-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const configOf = async (yaml: string, env: Readonly<Record<string, string>> = {}) => {
  await writeFile(join(folder, 'core.yaml'), yaml);
  const sources = readSources({ FABRIC_CFG_PATH: folder, CORE_PEER_MSPCONFIGPATH: folder, ...env });
  expect([sources.unknown, sources.ignored]).toEqual([[], []]);
  return parsePeerConfig(sources, undefined);
};

describe('settings of the Docker runtime', () => {
  it('are Fabric’s defaults, and chaincode runs as processes', async () => {
    const { runtime, docker, images, networkId } = await configOf('');
    expect(runtime).toBe('process');
    expect(networkId).toBe('dev');
    expect(images).toEqual(IMAGE_SETTINGS);
    expect(docker).toEqual({ endpoint: 'unix:///var/run/docker.sock', tls: undefined, attachStdout: false, pull: false, hostConfig: {} });
  });

  it('are read from a core.yaml as Fabric ships it', async () => {
    const yaml = `
peer: { networkId: prod }
vm:
  endpoint: tcp://engine:2376
  docker:
    tls: { enabled: true, ca: { file: docker/ca.crt }, cert: { file: docker/tls.crt }, key: { file: docker/tls.key } }
    attachStdout: true
    hostConfig:
      NetworkMode: net
      Dns:
      LogConfig: { Type: json-file, Config: { max-size: "50m", max-file: "5" } }
      Memory: 2147483648
chaincode:
  pull: true
  builder: my/ccenv:1
  golang: { runtime: my/baseos:1, dynamicLink: true }
  node: { runtime: my/node:1 }
  java: { runtime: my/java:1 }
selvage: { runtime: docker }
`;
    const { runtime, docker, images, networkId } = await configOf(yaml);
    expect([runtime, networkId]).toEqual(['docker', 'prod']);
    expect(images).toMatchObject({
      builder: 'my/ccenv:1',
      golangRuntime: 'my/baseos:1',
      golangDynamicLink: true,
      nodeRuntime: 'my/node:1',
    });
    expect(docker).toMatchObject({ endpoint: 'tcp://engine:2376', attachStdout: true, pull: true });
    expect(docker.tls).toEqual({
      caFile: join(folder, 'docker/ca.crt'),
      certFile: join(folder, 'docker/tls.crt'),
      keyFile: join(folder, 'docker/tls.key'),
    });
    expect(hostConfigOf(docker.hostConfig)).toEqual({
      NetworkMode: 'net',
      Memory: 2147483648,
      LogConfig: { Type: 'json-file', Config: { 'max-size': '50m', 'max-file': '5' } },
    });
  });

  it('are read from variables, as in Fabric’s compose files', async () => {
    const { docker, runtime } = await configOf('', {
      CORE_SELVAGE_RUNTIME: 'docker',
      CORE_VM_ENDPOINT: 'unix:///host/var/run/docker.sock',
      CORE_VM_DOCKER_HOSTCONFIG_NETWORKMODE: 'fabric_test',
      CORE_VM_DOCKER_HOSTCONFIG_MEMORY: '536870912',
      CORE_VM_DOCKER_ATTACHSTDOUT: 'true',
    });
    expect(runtime).toBe('docker');
    expect(docker).toMatchObject({ endpoint: 'unix:///host/var/run/docker.sock', attachStdout: true });
    expect(hostConfigOf(docker.hostConfig)).toEqual({ NetworkMode: 'fabric_test', Memory: 536870912 });
  });

  it('name the key of a mistake', async () => {
    await expect(configOf('selvage: { runtime: podman }')).rejects.toThrow(
      'selvage.runtime: expected one of process, docker (CORE_SELVAGE_RUNTIME)',
    );
  });
});
