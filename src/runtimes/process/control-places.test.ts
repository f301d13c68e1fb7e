import { describe, expect, it } from 'vitest';
import { placesIn } from './control-places.ts';

const V1 = '32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime shared:10 - cgroup cgroup rw,cpu,cpuacct';
const V2 = '41 31 0:38 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate';

describe('places for control groups', () => {
  it.each([
    ['none without a cpu controller', '31 23 0:28 / / rw - ext4 /dev/root rw', '', []],
    ['the own group in the first version', V1, '4:memory:/m\n1:cpu,cpuacct:/user/peer\n', [['/sys/fs/cgroup/cpu,cpuacct/user/peer', 1]]],
    ['the first version when it has the controller', `${V2}\n${V1}`, '1:cpu,cpuacct:/\n0::/x', [['/sys/fs/cgroup/cpu,cpuacct', 1]]],
    [
      'the own group and the one above in the second version',
      V2,
      '0::/system.slice/selvage.service/peer\n',
      [
        ['/sys/fs/cgroup/system.slice/selvage.service/peer', 2],
        ['/sys/fs/cgroup/system.slice/selvage.service', 2],
      ],
    ],
    ['nothing above the top', V2, '0::/', [['/sys/fs/cgroup', 2]]],
    [
      'what a container sees of its group',
      V1.replace('0:29 / ', '0:29 /docker/ab '),
      '1:cpu,cpuacct:/docker/ab/peer',
      [['/sys/fs/cgroup/cpu,cpuacct/peer', 1]],
    ],
    [
      'the top of what is seen when the names do not agree',
      V1.replace('0:29 / ', '0:29 /docker/ab '),
      '1:cpu,cpuacct:/docker/abc',
      [['/sys/fs/cgroup/cpu,cpuacct', 1]],
    ],
  ] as const)('are %s', (_, mounts, groups, expected) => {
    expect(placesIn(mounts, groups, 'cpu').map(({ directory, version }) => [directory, version])).toEqual(expected);
  });

  it('are other ones for another controller', () => {
    const pids = V1.replaceAll('cpu,cpuacct', 'pids');
    const groups = '1:cpu,cpuacct:/a\n2:pids:/b\n';
    expect(placesIn(`${V1}\n${pids}`, groups, 'pids')).toEqual([{ directory: '/sys/fs/cgroup/pids/b', version: 1 }]);
    expect(placesIn(V1, '1:cpu,cpuacct:/a\n', 'pids')).toEqual([]);
  });
});
