import { SelvageError } from '../../common/errors.ts';

/**
 * The one file that a multipart form is to consist of.
 * @param contentType of the request, with its boundary
 * @param key the name of the form's part
 * @throws {SelvageError} `MALFORMED`, in the words of Fabric's orderer
 * @see multipartFormDataBodyToBlock in hyperledger/fabric v3.1, orderer/common/channelparticipation/restapi.go
 */
export function formFile(body: Buffer, contentType: string, key: string): Uint8Array {
  const parts = partsOf(body, boundaryOf(contentType));
  const file = parts.find(({ name, isFile }) => isFile && name === key);
  if (file === undefined) throw malformed(`form does not contains part key: ${key}`);
  if (parts.length !== 1) throw malformed('form contains too many parts');
  return file.content;
}

interface Part {
  readonly name: string;
  readonly isFile: boolean;
  readonly content: Buffer;
}

function boundaryOf(contentType: string): string {
  const [, quoted, bare] = /;\s*boundary=(?:"([^"]+)"|([^\s;]+))/i.exec(contentType) ?? [];
  const boundary = quoted ?? bare;
  if (boundary === undefined) throw unreadable('multipart: boundary is empty');
  return boundary;
}

const BREAK = '\r\n';

/** Each part stands between two lines with the boundary: headers, an empty line, content. The last line ends with `--`. */
function partsOf(body: Buffer, boundary: string): readonly Part[] {
  const parts: Part[] = [];
  const line = `--${boundary}`;
  let at = body.indexOf(line);
  for (;;) {
    if (at < 0) throw unreadable('multipart: NextPart: EOF');
    const start = at + line.length;
    if (body.toString('latin1', start, start + 2) === '--') return parts;
    const next = body.indexOf(`${BREAK}${line}`, start);
    const headersEnd = body.indexOf(`${BREAK}${BREAK}`, start);
    if (next < 0 || headersEnd < 0 || headersEnd > next) throw unreadable('multipart: NextPart: EOF');
    parts.push({ ...described(body.toString('utf8', start, headersEnd)), content: body.subarray(headersEnd + 4, next) });
    at = next + BREAK.length;
  }
}

function described(headers: string): Omit<Part, 'content'> {
  const disposition = headers.split(BREAK).find((header) => /^content-disposition:/i.test(header)) ?? '';
  const [, name = ''] = /;\s*name="([^"]*)"/i.exec(disposition) ?? [];
  return { name, isFile: /;\s*filename\*?=/i.test(disposition) };
}

const malformed = (message: string): SelvageError => new SelvageError('MALFORMED', message);
const unreadable = (why: string): SelvageError => malformed(`cannot read form from request body: ${why}`);
