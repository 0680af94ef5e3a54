// Files as browsers upload them.

import assert from "node:assert/strict";

export const UPLOAD = "/api/upload";

/** How a file of each type begins. */
const HEADS = {
  "application/pdf": "%PDF-1.7\n%\xe2\xe3\xcf\xd3\n",
  "application/zip": "PK\x03\x04\x14\0\0\0\x08\0",
  "application/x-msdownload": "MZ\x90\0\x03\0\0\0\x04\0\0\0\xff\xff",
  "audio/mpeg": "ID3\x04\0\0\0\0\0\0",
  "audio/ogg": "OggS\0\x02\0\0\0\0\0\0\0\0",
  "audio/wav": "RIFF\x24\0\0\0WAVEfmt ",
  "image/gif": "GIF89a",
  "image/jpeg": "\xff\xd8\xff\xe0\0\x10JFIF\0",
  "image/png": "\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
  "image/webp": "RIFF\x10\0\0\0WEBPVP8 ",
  "video/mp4": "\0\0\0\x18ftypisom\0\0\x02\0isomiso2",
  "video/quicktime": "\0\0\0\x14ftypqt  \0\0\0\0qt  ",
  "video/webm": "\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01\x42\x82\x84webm",
};
/** The smallest PNG: one pixel. */
export const PNG = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==",
  "base64",
);

/** Bytes that are of that type. */
export function bytes(type, length = 512) {
  return Buffer.concat([Buffer.from(HEADS[type], "latin1")], length);
}

/** Uploads content under a name, with the type that the client claims; gives the answer. */
export function upload(rest, content, claimed, name = "file.bin") {
  return rest.postMultipart(UPLOAD, { file: new File([content], name, { type: claimed }) });
}

/** As `upload`, for what must succeed; gives the body. */
export async function uploaded(rest, content = PNG, claimed = "image/png", name = "a.png") {
  const { status, body } = await upload(rest, content, claimed, name);
  assert.equal(status, 200, JSON.stringify(body));
  return body;
}

/** The same link without host and without signature. */
export function pathOf(url) {
  return new URL(url, "http://localhost").pathname;
}
