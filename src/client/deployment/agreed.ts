/** What a channel and its organisations have agreed on for a chaincode. */
import type { Cancellable } from '../../common/cancel.ts';
import { SelvageError } from '../../common/errors.ts';
import type { lifecycle } from '../../protos/messages.ts';
import { approvedDefinition, committedDefinition, type DefinitionName } from '../lifecycle-calls.ts';
import type { Caller } from '../system-calls.ts';

type Committed = lifecycle.QueryChaincodeDefinitionResult;
type Approved = lifecycle.QueryApprovedChaincodeDefinitionResult;

/** The definition in force; undefined when the channel has none of that name. */
export const committedOrNone = (caller: Caller, name: DefinitionName, options: Cancellable): Promise<Committed | undefined> =>
  unlessRefused(committedDefinition(caller, name, options), ({ details }) => details['status'] === 404);

/** What the caller's organisation has approved of one sequence; undefined when it has approved none, or its peer does not know it. */
export const approvedOrNone = (
  caller: Caller,
  definition: DefinitionName & { readonly sequence: bigint },
  options: Cancellable,
): Promise<Approved | undefined> => unlessRefused(approvedDefinition(caller, definition, options), () => true);

/** The package that an approval names; undefined for one without. */
export const packageIn = (approved: Approved | undefined): string | undefined => approved?.source?.localPackage?.packageId;

/** Whether an organisation refuses an approval because it has given the same before, in a run that was broken off for example. */
export const isApprovedAlready = (thrown: unknown): boolean =>
  thrown instanceof SelvageError && thrown.message.endsWith('with unchanged content');

async function unlessRefused<T>(asked: Promise<T>, means: (error: SelvageError) => boolean): Promise<T | undefined> {
  try {
    return await asked;
  } catch (thrown) {
    if (thrown instanceof SelvageError && thrown.code === 'REFUSED_BY_PEER' && means(thrown)) return undefined;
    throw thrown;
  }
}
