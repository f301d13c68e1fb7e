import { SelvageError } from '../../common/errors.ts';
import { parseLedgerPlace } from '../../node/config/peer-config.ts';
import { readSources } from '../../node/config/sources.ts';
import { verifyLedgers } from '../../node/verify-ledgers.ts';
import type { Terminal } from '../terminal.ts';
import type { VerifyFlags } from './ledger-flags.ts';

/** Says of each channel whether it is well, and what is wrong. @throws {SelvageError} `LEDGER_CORRUPT` at the end when anything is */
export async function verify({ channelID: channelId, path, state = false }: VerifyFlags, terminal: Terminal): Promise<void> {
  const place = path === undefined ? parseLedgerPlace(readSources(terminal.env)) : { fileSystemPath: path, release: '2.x' as const };
  let [seen, damaged] = [0, 0];
  for await (const { channelId: id, height, findings } of verifyLedgers({ ...place, channelId, state })) {
    seen += 1;
    if (findings.length > 0) damaged += 1;
    terminal.out(`${id}: ${findings.length === 0 ? 'sound' : 'damaged'}, ${height} blocks${state ? ', state compared' : ''}`);
    for (const finding of findings) terminal.out(`  ${finding}`);
  }
  if (damaged === 0) return;
  throw new SelvageError('LEDGER_CORRUPT', `${damaged} of ${seen} ledgers are damaged`, {
    advice:
      'Where only state, history or index are wrong, remove the folder state of the channel: the peer makes it again from its blocks. Otherwise restore the folder of the channel from a backup, or remove it and join the channel again.',
  });
}
