import { resolve } from 'node:path';
import { SelvageError } from '../../common/errors.ts';
import { createDevChannel } from '../../node/dev/create-channel.ts';
import type { Terminal } from '../terminal.ts';
import type { CreateFlags } from './channel-flags.ts';

/** `selvage channel create NAME`: a channel more in a running development network. */
export async function createInNetwork(name: string, flags: CreateFlags, terminal: Terminal): Promise<void> {
  if (flags.channelID !== '' || flags.file !== undefined) {
    throw new SelvageError(
      'SETTING_INVALID',
      `channel create ${name} makes a channel of a development network and takes neither -c nor -f`,
      {
        advice: 'Leave out NAME to send the update in a file to an orderer, as the stock command does.',
      },
    );
  }
  const folder = flags.data ?? terminal.env['SELVAGE_NETWORK'];
  if (folder === undefined) {
    throw new SelvageError('SETTING_INVALID', 'no development network is named', {
      advice: "Read the network's env.sh first (. DIR/env.sh), or name its folder by --data DIR.",
    });
  }
  const { file, joined } = await createDevChannel(resolve(terminal.cwd, folder), name, terminal);
  terminal.say(`Channel ${name} is there, joined by ${joined} peer${joined === 1 ? '' : 's'}. Its first block: ${file}`);
}
