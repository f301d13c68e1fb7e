import type { HostConfig } from './engine.ts';

/** `vm.docker.hostConfig.*`, by lower-case name; what is not set is absent or empty. */
export type HostConfigSettings = Readonly<Record<string, unknown>>;

const TEXTS = ['NetworkMode', 'CgroupParent', 'IpcMode', 'PidMode', 'UTSMode'] as const;
const LISTS = ['CapAdd', 'CapDrop', 'SecurityOpt', 'Dns', 'DnsSearch', 'ExtraHosts'] as const;
const NUMBERS = ['Memory', 'MemorySwap', 'MemorySwappiness', 'CpuShares', 'CpuQuota', 'CpuPeriod', 'BlkioWeight'] as const;
const FLAGS = ['OomKillDisable', 'ReadonlyRootfs'] as const;

/** Where Docker spells a field otherwise than Fabric's configuration. */
const SPELLING: Readonly<Record<string, string>> = { UTSMode: 'UTSMode', CpusetCPUs: 'CpusetCpus', CpusetMEMs: 'CpusetMems' };

/** Paths below `vm.docker.hostConfig`, as core.yaml spells them. */
export const HOST_CONFIG_KEYS: readonly string[] = [
  ...TEXTS,
  ...LISTS,
  ...NUMBERS,
  ...FLAGS,
  'Cpuset',
  'CpusetCPUs',
  'CpusetMEMs',
  'LogConfig.Type',
  'LogConfig.Config.*',
];

/**
 * Docker's HostConfig for chaincode. Fields that are not set are left to the engine.
 * @see getDockerHostConfig in hyperledger/fabric v1.1.0, core/container/dockercontroller/dockercontroller.go
 */
export function hostConfigOf(settings: HostConfigSettings): HostConfig {
  const value = (name: string): unknown => settings[name.toLowerCase()];
  const config: Record<string, unknown> = {};
  const set = (name: string, found: unknown): void => {
    if (found !== undefined && found !== '' && !(Array.isArray(found) && found.length === 0)) config[SPELLING[name] ?? name] = found;
  };
  for (const name of TEXTS) set(name, textOf(value(name)));
  for (const name of LISTS) set(name, listOf(value(name)));
  for (const name of NUMBERS) if (numberOf(value(name)) !== 0) set(name, numberOf(value(name)));
  for (const name of FLAGS) if (textOf(value(name)).toLowerCase() === 'true') set(name, true);
  set('CpusetCPUs', textOf(value('CpusetCPUs')) || textOf(value('Cpuset')));
  set('CpusetMEMs', textOf(value('CpusetMEMs')));
  set('LogConfig', logConfigOf(value('LogConfig')));
  return { ...config, NetworkMode: config['NetworkMode'] ?? 'host' };
}

const textOf = (value: unknown): string =>
  typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? String(value) : '';

const listOf = (value: unknown): readonly string[] =>
  Array.isArray(value)
    ? value.map(textOf)
    : textOf(value)
        .split(/[\s,]+/)
        .filter((entry) => entry !== '');

const numberOf = (value: unknown): number => {
  const number = Number(textOf(value));
  return Number.isFinite(number) ? number : 0;
};

function logConfigOf(value: unknown): unknown {
  const { type, config } = fields(value);
  if (textOf(type) === '') return undefined;
  return { Type: textOf(type), Config: Object.fromEntries(Object.entries(fields(config)).map(([key, each]) => [key, textOf(each)])) };
}

const fields = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? Object.fromEntries(Object.entries(value)) : {};
