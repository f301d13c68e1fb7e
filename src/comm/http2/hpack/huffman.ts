import { ConnectionError, ErrorCode } from '../protocol.ts';

/**
 * Length in bits, then the ranges of bytes whose codes have it (RFC 7541, appendix B). The code is canonical: within a length the
 * codes ascend with the bytes, and each length begins where the one before ended, so the lengths are all that has to be known.
 */
const LENGTHS: readonly (readonly [bits: number, ...ranges: (readonly [from: number, to?: number])[]])[] = [
  [5, [48, 50], [97], [99], [101], [105], [111], [115, 116]],
  [6, [32], [37], [45, 47], [51, 57], [61], [65], [95], [98], [100], [102, 104], [108, 110], [112], [114], [117]],
  [7, [58], [66, 87], [89], [106, 107], [113], [118, 122]],
  [8, [38], [42], [44], [59], [88], [90]],
  [10, [33, 34], [40, 41], [63]],
  [11, [39], [43], [124]],
  [12, [35], [62]],
  [13, [0], [36], [64], [91], [93], [126]],
  [14, [94], [125]],
  [15, [60], [96], [123]],
  [19, [92], [195], [208]],
  [20, [128], [130, 131], [162], [184], [194], [224], [226]],
  [21, [153], [161], [167], [172], [176, 177], [179], [209], [216, 217], [227], [229, 230]],
  [22, [129], [132, 134], [136], [146], [154], [156], [160], [163, 164], [169, 170], [173], [178], [181], [185, 187], [189, 190]],
  [22, [196], [198], [228], [232, 233]],
  [23, [1], [135], [137, 141], [143], [147], [149, 152], [155], [157, 158], [165, 166], [168], [174, 175], [180], [182, 183], [188]],
  [23, [191], [197], [231], [239]],
  [24, [9], [142], [144, 145], [148], [159], [171], [206], [215], [225], [236, 237]],
  [25, [199], [207], [234, 235]],
  [26, [192, 193], [200, 202], [205], [210], [213], [218, 219], [238], [240], [242, 243], [255]],
  [27, [203, 204], [211, 212], [214], [221, 223], [241], [244, 248], [250, 254]],
  [28, [2, 8], [11, 12], [14, 21], [23, 31], [127], [220], [249]],
  [30, [10], [13], [22]],
];

/**
 * The codes as a tree: two cells a node, for a 0 and a 1. A cell above 0 is the next node, one below 0 is `-1 - byte`, and 0 is
 * no code (the end-of-string symbol, which may not occur, among them).
 */
const TREE = growTree();

function growTree(): Int16Array {
  const tree = new Int16Array(2 * 300);
  let nodes = 1;
  let code = 0;
  let before = 0;
  for (const [bits, ...ranges] of LENGTHS) {
    code <<= bits - before;
    before = bits;
    for (const [from, to = from] of ranges)
      for (let byte = from; byte <= to; byte += 1, code += 1) {
        let node = 0;
        for (let bit = bits - 1; bit > 0; bit -= 1) {
          const cell = 2 * node + ((code >>> bit) & 1);
          if (tree[cell] === 0) tree[cell] = nodes++;
          node = tree[cell] as number;
        }
        tree[2 * node + (code & 1)] = -1 - byte;
      }
  }
  return tree;
}

const scratch = Buffer.allocUnsafeSlow(4096);

/**
 * The text of a Huffman string, each byte a character.
 * @throws {ConnectionError} COMPRESSION_ERROR for a code that is none, or padding that is not the begin of the end-of-string symbol
 */
export function decodeHuffman(bytes: Uint8Array, start: number, end: number): string {
  const most = Math.floor(((end - start) * 8) / 5); // no code is shorter than five bits
  const text = most <= scratch.length ? scratch : Buffer.allocUnsafeSlow(most);
  let length = 0;
  let node = 0;
  let depth = 0; // bits since the last character
  let ones = true; // whether all of these were 1
  for (let at = start; at < end; at += 1) {
    const byte = bytes[at] as number;
    for (let bit = 7; bit >= 0; bit -= 1) {
      const one = (byte >>> bit) & 1;
      const cell = TREE[2 * node + one] as number;
      depth += 1;
      if (one === 0) ones = false;
      if (cell > 0) node = cell;
      else if (cell < 0) {
        text[length++] = -1 - cell;
        node = 0;
        depth = 0;
        ones = true;
      } else throw new ConnectionError(ErrorCode.COMPRESSION_ERROR, 'a Huffman code that does not exist');
    }
  }
  if (depth > 7 || !ones) throw new ConnectionError(ErrorCode.COMPRESSION_ERROR, 'a Huffman string whose padding is not its own');
  return text.toString('latin1', 0, length);
}
