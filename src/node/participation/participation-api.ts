import { messageOf, SelvageError } from '../../common/errors.ts';
import { checkChannelId } from '../../msp/channelconfig/ids.ts';
import { common } from '../../protos/messages.ts';
import { unreadable } from '../../protos/unreadable.ts';
import { formFile } from './form-file.ts';
import type { ChannelInfo, OrderedChannels } from './ordered-channels.ts';

export interface ApiRequest {
  readonly method: string;
  /** Decoded, without the query. */
  readonly path: string;
  readonly accept: string | undefined;
  readonly contentType: string | undefined;
  /** @throws {SelvageError} `MALFORMED` when it is too large */
  body(): Promise<Buffer>;
}

export interface ApiAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array | string;
}

const CHANNELS = '/participation/v1/channels';

/**
 * The channel participation API: which channels an orderer serves, and having it serve others or no longer.
 * @see restapi.go in hyperledger/fabric v3.1, orderer/common/channelparticipation
 */
export async function answerParticipation(channels: OrderedChannels, request: ApiRequest): Promise<ApiAnswer> {
  const { path, method } = request;
  const [, name, block] = new RegExp(`^${CHANNELS}(?:/([^/]+))?(?:/blocks/([^/]+))?$`).exec(path) ?? [];
  if (path === CHANNELS) return onChannels(channels, request);
  if (name !== undefined && block !== undefined) return onBlock(channels, request, { name, block });
  if (name !== undefined) return onChannel(channels, request, name);
  if (path === '/participation/v1/' && method === 'GET') return { status: 302, headers: { location: CHANNELS }, body: '' };
  return { status: 404, headers: { 'content-type': 'text/plain; charset=utf-8' }, body: '404 page not found\n' };
}

async function onChannels(channels: OrderedChannels, request: ApiRequest): Promise<ApiAnswer> {
  const { method, contentType } = request;
  if (method !== 'GET' && method !== 'POST' && method !== 'PUT') return notAllowed(`invalid request method: ${method}`, 'GET, POST, PUT');
  const isForm = contentType?.includes('multipart/form-data') === true;
  if (method !== 'GET' && !isForm) return failed(400, `unsupported Content-Type: [${contentType ?? ''}]`);
  if (!takesJson(request)) return NOT_ACCEPTABLE;
  if (method === 'GET') {
    const all = channels.list().map((name) => ({ name, url: `${CHANNELS}/${name}` }));
    return json(200, { systemChannel: null, channels: all.length > 0 ? all : null }, NOT_KEPT);
  }
  return method === 'POST' ? join(channels, request) : update(channels, request);
}

async function join(channels: OrderedChannels, request: ApiRequest): Promise<ApiAnswer> {
  try {
    const block = await sentIn(request, 'config-block', { codec: common.Block, as: 'a block' });
    return created(await channels.join(block));
  } catch (thrown) {
    const { code, message } = foreseen(thrown);
    if (code === 'MALFORMED') return failed(400, message);
    if (code === 'CHANNEL_EXISTS') return notAllowed(`cannot join: ${message}`, 'GET, DELETE');
    return failed(code === 'FOLDER_IN_USE' ? 409 : 400, `cannot join: ${message}`);
  }
}

async function update(channels: OrderedChannels, request: ApiRequest): Promise<ApiAnswer> {
  try {
    const envelope = await sentIn(request, 'config-update-envelope', { codec: common.Envelope, as: 'an envelope' });
    return created(await channels.update(envelope));
  } catch (thrown) {
    const { code, message } = foreseen(thrown);
    if (code === 'MALFORMED') return failed(400, message);
    const status = code === 'CHANNEL_NOT_FOUND' ? 405 : code === 'FOLDER_IN_USE' ? 409 : 400;
    return failed(status, `cannot update: ${message}`);
  }
}

async function onChannel(channels: OrderedChannels, request: ApiRequest, name: string): Promise<ApiAnswer> {
  const { method } = request;
  if (method !== 'GET' && method !== 'DELETE') return notAllowed(`invalid request method: ${method}`, 'GET, DELETE');
  if (!takesJson(request)) return NOT_ACCEPTABLE;
  const bad = badChannelId(name);
  if (bad !== undefined) return bad;
  try {
    if (method === 'GET') return json(200, shown(channels.info(name)), NOT_KEPT);
    await channels.remove(name);
    return { status: 204, headers: {}, body: '' };
  } catch (thrown) {
    const { code, message } = foreseen(thrown);
    const status = code === 'CHANNEL_NOT_FOUND' ? 404 : code === 'FOLDER_IN_USE' ? 409 : 400;
    return failed(status, method === 'GET' ? message : `cannot remove: ${message}`);
  }
}

async function onBlock(
  channels: OrderedChannels,
  request: ApiRequest,
  { name, block }: { readonly name: string; readonly block: string },
): Promise<ApiAnswer> {
  if (request.method !== 'GET') return notAllowed(`invalid request method: ${request.method}`, 'GET');
  if (!takesJson(request)) return NOT_ACCEPTABLE;
  const bad = badChannelId(name);
  if (bad !== undefined) return bad;
  if (!/^(newest|oldest|config|[+-]?\d+)$/.test(block))
    return failed(400, `invalid block ID: '${block}' not equal <newest|oldest|config|(number)>`);
  try {
    const body = common.Block.encode(await channels.block(name, block.replace(/^\+/, '')));
    return { status: 200, headers: { ...NOT_KEPT, 'content-type': 'application/octet-stream' }, body };
  } catch (thrown) {
    return failed(404, foreseen(thrown).message);
  }
}

function badChannelId(name: string): ApiAnswer | undefined {
  try {
    checkChannelId(name);
    return undefined;
  } catch (thrown) {
    return failed(400, `invalid channel ID: ${messageOf(thrown)}`);
  }
}

/** The message in the one file of the form. @throws {SelvageError} `MALFORMED` */
async function sentIn<T>(
  request: ApiRequest,
  key: string,
  { codec, as }: { readonly codec: { decode(bytes: Uint8Array): T }; readonly as: string },
): Promise<T> {
  const file = formFile(await request.body(), request.contentType ?? '', key);
  try {
    return codec.decode(file);
  } catch (cause) {
    throw new SelvageError('MALFORMED', `cannot unmarshal file part ${key} into ${as}: ${unreadable(cause)}`, { cause });
  }
}

/** What nobody foresaw is no refusal. */
function foreseen(thrown: unknown): SelvageError {
  if (!(thrown instanceof SelvageError) || thrown.code === 'INTERNAL') throw thrown;
  return thrown;
}

const takesJson = ({ accept = '' }: ApiRequest): boolean =>
  accept === '' || accept.split(',').some((option) => /application\/json|application\/\*|\*\/\*/.test(option));

const shown = ({ name, consensusRelation, status, height }: ChannelInfo) => ({
  name,
  url: `${CHANNELS}/${name}`,
  consensusRelation,
  status,
  height: Number(height),
});

const NOT_KEPT = { 'cache-control': 'no-store' };

const json = (status: number, value: unknown, headers: Readonly<Record<string, string>> = {}): ApiAnswer => ({
  status,
  headers: { ...headers, 'content-type': 'application/json' },
  body: `${JSON.stringify(value)}\n`,
});

const created = (info: ChannelInfo): ApiAnswer => json(201, shown(info), { location: `${CHANNELS}/${info.name}` });
const failed = (status: number, error: string): ApiAnswer => json(status, { error });
const notAllowed = (error: string, allow: string): ApiAnswer => json(405, { error }, { allow });
const NOT_ACCEPTABLE = failed(406, 'response Content-Type is application/json only');
