import { SelvageError } from '../../../common/errors.ts';
import type { CollectionPermissions, CollectionQuestion } from '../../../lifecycle/collection-access.ts';
import type { ApplicationCapabilities } from '../../../msp/channelconfig/channel-bundle.ts';
import type { StateRequest } from './request.ts';

/** @throws {SelvageError} `ACCESS_DENIED`, in Init and where the creator is no member of a `member_only_read` collection */
export async function requireReadable(request: StateRequest, collection: string): Promise<void> {
  forbidInInit(request);
  if (!(await permissions(request, collection)).read) throw denied(request, { collection, access: 'read' });
}

/** @throws {SelvageError} `ACCESS_DENIED`, in Init and where the creator is no member of a `member_only_write` collection */
export async function requireWritable(request: StateRequest, collection: string): Promise<void> {
  forbidInInit(request);
  if (!(await permissions(request, collection)).write) throw denied(request, { collection, access: 'write' });
}

/** Membership is not asked for, only that there is such a collection. @throws {SelvageError} `NOT_FOUND`, and `ACCESS_DENIED` in Init */
export async function requireCollection(request: StateRequest, collection: string): Promise<void> {
  forbidInInit(request);
  await permissions(request, collection, 'hash');
}

/** Init of the legacy lifecycle only: in 2.x it is a transaction like others. @throws {SelvageError} `ACCESS_DENIED` */
export function forbidInInit({ context }: StateRequest): void {
  if (context.call.kind === 'init' && context.call.input.isInit !== true)
    throw new SelvageError('ACCESS_DENIED', 'private data APIs are not allowed in chaincode Init()');
}

/** @throws {SelvageError} `ACCESS_DENIED`, below capability V1_3 */
export function requireKeyLevelEndorsement(request: StateRequest): void {
  if (capabilities(request).keyLevelEndorsement) return;
  throw new SelvageError(
    'ACCESS_DENIED',
    'key level endorsement is not enabled, channel application capability of V1_3 or later is required',
  );
}

/** @throws {SelvageError} `ACCESS_DENIED`, below capability V2_5 */
export function requirePurge(request: StateRequest): void {
  if (capabilities(request).purgePvtData) return;
  throw new SelvageError('ACCESS_DENIED', 'purge private data is not enabled, channel application capability of V2_5 or later is required');
}

function capabilities({ context, parts }: StateRequest): ApplicationCapabilities {
  const { channelId } = context.call.proposal;
  const found = parts.capabilities(channelId);
  if (found === undefined) throw new SelvageError('NOT_FOUND', `application config does not exist for ${channelId}`);
  return found;
}

async function permissions(
  { context, simulator, parts }: StateRequest,
  collection: string,
  wanted: CollectionQuestion['wanted'] = 'value',
): Promise<CollectionPermissions> {
  const known = context.permissions.get(collection);
  if (known !== undefined) return known;
  const { namespace, proposal } = context.call;
  const found = await parts.collections.permissions({
    channelId: proposal.channelId,
    chaincode: namespace,
    collection,
    wanted,
    proposal,
    simulator,
  });
  context.permissions.set(collection, found);
  return found;
}

const denied = (
  { context }: StateRequest,
  { collection, access }: { readonly collection: string; readonly access: 'read' | 'write' },
): SelvageError =>
  new SelvageError(
    'ACCESS_DENIED',
    `tx creator does not have ${access} access permission on privatedata in chaincodeName:${context.call.namespace} collectionName: ${collection}`,
  );
