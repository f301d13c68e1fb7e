import { describe, expect, it } from 'vitest';
import { hostConfigOf } from './host-config.ts';

describe('host configuration of chaincode containers', () => {
  it('is the network of the host, and else the engine’s defaults', () => {
    expect(hostConfigOf({})).toEqual({ NetworkMode: 'host' });
    expect(hostConfigOf({ networkmode: '', dns: null, memory: 0, oomkilldisable: false, logconfig: {} })).toEqual({ NetworkMode: 'host' });
  });

  it('takes every key that Fabric’s core.yaml has', () => {
    const settings = {
      networkmode: 'net_test',
      memory: 2147483648,
      memoryswap: '-1',
      memoryswappiness: 10,
      cpushares: 1,
      cpuquota: 2,
      cpuperiod: 3,
      cpuset: '0-1',
      cpusetmems: '0',
      blkioweight: 100,
      oomkilldisable: true,
      readonlyrootfs: 'true',
      capadd: ['SYS_PTRACE'],
      capdrop: 'ALL, NET_RAW',
      securityopt: ['no-new-privileges'],
      cgroupparent: 'x',
      ipcmode: 'private',
      pidmode: 'host',
      utsmode: 'host',
      dns: ['10.0.0.1'],
      dnssearch: ['example.com'],
      extrahosts: ['peer0:10.0.0.2'],
      logconfig: { type: 'json-file', config: { 'max-size': '50m', 'max-file': 5 } },
    };
    expect(hostConfigOf(settings)).toEqual({
      NetworkMode: 'net_test',
      Memory: 2147483648,
      MemorySwap: -1,
      MemorySwappiness: 10,
      CpuShares: 1,
      CpuQuota: 2,
      CpuPeriod: 3,
      CpusetCpus: '0-1',
      CpusetMems: '0',
      BlkioWeight: 100,
      OomKillDisable: true,
      ReadonlyRootfs: true,
      CapAdd: ['SYS_PTRACE'],
      CapDrop: ['ALL', 'NET_RAW'],
      SecurityOpt: ['no-new-privileges'],
      CgroupParent: 'x',
      IpcMode: 'private',
      PidMode: 'host',
      UTSMode: 'host',
      Dns: ['10.0.0.1'],
      DnsSearch: ['example.com'],
      ExtraHosts: ['peer0:10.0.0.2'],
      LogConfig: { Type: 'json-file', Config: { 'max-size': '50m', 'max-file': '5' } },
    });
  });
});
