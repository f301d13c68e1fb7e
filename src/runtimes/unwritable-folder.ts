import { errnoOf, SelvageError } from '../common/errors.ts';
import { fileReason } from '../common/file-reason.ts';

/**
 * For `catch`: what the system does not let be written is an error that says so; anything else stays as it is.
 * @param folder where the runtime writes
 */
export const orUnwritable =
  (folder: string, { ccid }: { readonly ccid: string }) =>
  (thrown: unknown): never => {
    const code = thrown instanceof SelvageError ? undefined : errnoOf(thrown);
    if (code === 'ENOSPC' || code === 'EDQUOT')
      throw new SelvageError('DISK_FULL', `no space left for chaincode ${ccid} in ${folder}`, {
        cause: thrown,
        details: { ccid, folder, reason: 'the disk is full' },
        advice: 'Make room there, or let the peer keep chaincode elsewhere (selvage.chaincodeCache).',
      });
    if (code === undefined || !(thrown instanceof Error && 'path' in thrown)) throw thrown;
    const reason = fileReason(String(thrown.path), thrown);
    throw new SelvageError('CHAINCODE_LAUNCH_FAILED', `chaincode ${ccid} cannot be kept in ${folder}: ${reason} (${code})`, {
      cause: thrown,
      details: { ccid, folder, reason },
      advice: 'Let the peer keep chaincode where it may write (selvage.chaincodeCache, with selvage dev SELVAGE_CACHE).',
    });
  };
