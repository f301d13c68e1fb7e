/** A process runtime whose folder is on a disk that is full. */
import { randomBytes } from 'node:crypto';
import { describe, it } from 'vitest';
import { allPlatforms } from '../../../src/packages/platforms/platforms.ts';
import { ProcessRuntime } from '../../../src/runtimes/process/process-runtime.ts';
import { failingLaunch } from './failing-launch.ts';
import type { Files } from './failing-peer.ts';
import { noSmallDisk, smallDisk } from './small-disk.ts';
import type { Symptoms } from './symptoms.ts';

const FULL = { code: 'DISK_FULL', reason: 'the disk is full' } as const;
const program = (index: string, scripts: object = {}): Files => ({
  'package.json': JSON.stringify({ name: 'cc', version: '1.0.0', scripts: { start: 'node index.js', ...scripts } }),
  'index.js': index,
});

describe.skipIf(noSmallDisk !== undefined)(
  `chaincode as a process on a full disk${noSmallDisk === undefined ? '' : ` (skipped: ${noSmallDisk})`}`,
  () => {
    async function failing(files: Files, symptoms: Symptoms): Promise<void> {
      await using disk = await smallDisk(4);
      const host = process.env;
      const runtime = (directory: string): ProcessRuntime => new ProcessRuntime({ directory, platforms: allPlatforms({ host }), host });
      await failingLaunch({ runtime, directory: disk.path, files }, symptoms);
    }

    it('that does not fit', () =>
      failing(
        { ...program(''), 'large.js': randomBytes(6_000_000) },
        { ...FULL, advice: /Make room where the peer keeps chaincode.*selvage\.chaincodeCache/ },
      ));

    it('that fills it while it is built, which makes npm fail', () =>
      failing(
        program('', {
          install: 'mkdir -p node_modules && head -c 6000000 /dev/zero > node_modules/large',
        }),
        {
          ...FULL,
          advice: /folders of the peer, of npm’s cache/,
          output: /No space left on device/,
        },
      ));

    it('that fills it when it starts', () =>
      failing(program("require('node:fs').writeFileSync(process.env.HOME + '/large', Buffer.alloc(6_000_000, 1));"), {
        code: 'CHAINCODE_LAUNCH_FAILED',
        reason: 'the disk is full',
        advice: /where the chaincode writes itself/,
        output: /ENOSPC/,
      }));
  },
);
