'use strict';
// Each question is raced against the same long-lived promise. The race is over
// at once, but its reaction on the long-lived promise, and with it the question,
// stays. (The answer does not count: Node.js 26 lets go of a finished race's result.)
const { run } = require('../harness');

class Question {
  constructor(n) {
    this.n = n;
    this.body = Buffer.from(`question ${n} `.repeat(40)).toString();
  }
}

class Answer {
  constructor(question) { this.length = question.body.length; }
}

const shutdown = new Promise(() => {}); // @mark holder
let asked = 0;
let cancelled = 0;
let characters = 0;

async function fetchAnswer(question) { return new Answer(question); }

async function ask() {
  const question = new Question(asked++);
  const cancel = shutdown.then(function onShutdown() { cancelled += question.n; }); // @mark insert
  const answer = await Promise.race([cancel, fetchAnswer(question)]);
  characters += answer.length;
}

async function serve(n) { for (let i = 0; i < n; i++) await ask(); }

run(__filename, {
  size: 2000,
  warm: serve,
  load: serve,
  truth: ({ size, warm, places }) => ({
    leak: { constructor: 'Question', count: { baseline: warm, target: warm + size, final: warm + size } },
    alsoGrows: [{ constructor: 'onShutdown', type: 'closure' }, { constructor: 'Promise' }],
    holder: { variable: 'shutdown', constructor: 'Promise', scope: 'module', place: places.holder },
    insertedAt: places.insert,
    path: ['shutdown', 'Promise', 'onShutdown', 'question', 'Question'],
    notLeaks: [],
    kind: 'promise',
    characters,
  }),
});
