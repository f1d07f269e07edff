'use strict';
// An undo history as a linked list: the newest entry points to all before it.
const { run } = require('../harness');

class Step {
  constructor(edit, next) {
    this.edit = edit;
    this.next = next;
  }
}

class Edit {
  constructor(n) {
    this.n = n;
    this.text = Buffer.from(`edit ${n} `.repeat(16)).toString();
  }
}

class Cursor {
  constructor(n) { this.n = n; }
}

let head = null; // @mark holder
let cursor;
let edits = 0;

function edit() {
  head = new Step(new Edit(edits++), head); // @mark insert
  cursor = new Cursor(edits);
}

const serve = (n) => { for (let i = 0; i < n; i++) edit(); };

run(__filename, {
  size: 4000,
  warm: serve,
  load: serve,
  truth: ({ size, warm, places }) => ({
    leak: { constructor: 'Step', count: { baseline: warm, target: warm + size, final: warm + size } },
    alsoGrows: [{ constructor: 'Edit' }],
    holder: { variable: 'head', constructor: 'Step', scope: 'module', place: places.holder },
    insertedAt: places.insert,
    path: ['head', 'Step', 'next', 'Step'],
    notLeaks: ['Cursor'],
    kind: 'linked-structure',
    cursor: cursor.n,
  }),
});
