import { SelvageError } from '../common/errors.ts';

/** For `catch`: what could not be written is an error that says so; anything else stays as it is. @param folder where the runtime writes */
export const orDiskFull =
  (folder: string, { ccid }: { readonly ccid: string }) =>
  (thrown: unknown): never => {
    const code = thrown instanceof Error && !(thrown instanceof SelvageError) && 'code' in thrown ? thrown.code : undefined;
    if (code !== 'ENOSPC' && code !== 'EDQUOT') throw thrown;
    throw new SelvageError('DISK_FULL', `no space left for chaincode ${ccid} in ${folder}`, {
      cause: thrown,
      details: { ccid, folder, reason: 'the disk is full' },
      advice: 'Make room there, or let the peer keep chaincode elsewhere (selvage.chaincodeCache).',
    });
  };
