# What the demo reads out of the ledger's answers: $names is address → name, $batches and $cases
# are all batches with their payouts and all cases with their votes.

def name: $names[0][.] // .;
def open: (. / 1000000000 | floor | tostring) + "."
    + (. % 1000000000 | tostring | ("000000000" + .)[-9:]);
def role: ["", "contributor", "publisher", "tuner", "provider", "validator"][.];
def verdict: {"0": "match", "1": "request invalid", "2": "count or fee", "3": "output tokens",
    "4": "stop reason", "5": "trace", "6": "attribution", "32": "unavailable",
    "33": "table wrong", "34": "table unavailable", "35": "data missing"}[tostring];
def batches: $batches[0][];
def cases: $cases[0][];
def votes: .rounds[][];
def total(f): map(f) | add // 0;

# Bond of the deciding round, in whole OPEN: of those who voted for what is right, and of all.
def whole: . / 1000000000 | floor;
def right_bond: .verdict as $verdict | .probe as $probe | .rounds[-1]
    | map(select(.revealed and .verdict == $verdict and .probe == $probe)) | total(.bond) | whole;
def voting_bond: .rounds[-1] | total(.bond) | whole;

# A fraud's batch: the one batch of its provider.
def batch_of($provider): batches | select(.provider == $provider);

def fraud_lines($provider):
    batch_of($provider) as $batch
    | [cases | select(.batch == $batch.id)] as $cases
    | [$batch.payouts[] | select(.reason == "catch" or .reason == "data")] as $paid
    | ($paid | map(select(.reason == "catch"))) as $catches
    | "batch     \($batch.id), \($batch.count) receipts for \($batch.fee_total | open) OPEN",
      "drawn     " + ([$cases[] | "sample \(.sample): "
          + ([.rounds[0][].validator | name] | join(", "))] | join("; ")),
      "proven    " + ([$cases | group_by(.verdict, .round)[]
          | "\(length) × \(.[0].verdict | verdict), voted by \(.[0] | right_bond) of "
              + "\(.[0] | voting_bond) OPEN in round \(.[0].round)"] | join("; ")),
      "void      block \($batch.ended): no receipt is paid,"
          + " \($batch.refunded | open) OPEN are the consumer's again",
      "slashed   \($batch.slashed | open) OPEN: "
          + ([$catches | group_by(.account)[] | "\(total(.nopen) | open) to \(.[0].account | name)"]
              | join(", "))
          + ", \($batch.slashed - ($paid | total(.nopen)) | open) burned";

def fraud_result($kind; $provider):
    batch_of($provider)
    | {kind: $kind, caught: (.state == "void" and .void_reason == "fraud" and .caught > 0),
       slashed_nopen: .slashed, refunded_nopen: .refunded};

# How a validator voted: one object.
def record($validator):
    [cases | votes | select(.validator == $validator)] as $votes
    | {votes: ($votes | length), revealed: ($votes | map(select(.revealed)) | length),
       slashed_votes: ($votes | map(select(.slashed > 0)) | length),
       slashed: ($votes | total(.slashed)), paid: ($votes | total(.paid))};

# Why an account was paid in a role, out of every batch's payout lines. $labels is the id of a data
# set, model or adapter → [what it is, the numbers of the receipts it served].
def in_batches: unique_by(.batch) | length | tostring + if . == 1 then " batch" else " batches" end;
def because($account; $role):
    [batches | {batch: .id, receipts: .count} as $of | .payouts[]
        | select(.account == $account and .role == $role) + $of] as $lines
    | ($lines | map(select(.reason == "fees"))) as $fees
    | ($lines | map(select(.reason == "data"))) as $slash
    | if $role == 5 then
        {check: "checks", catch: "catches", fees: "shares of fees", rerun: "reruns paid by the wrong"}
            as $words
        | [$lines | group_by(.reason)[] | "\(length) \($words[.[0].reason])"] | join(", ")
      elif $role == 4 then
        "\($fees | unique_by(.batch) | total(.receipts)) receipts in \($fees | in_batches)"
      else
        ($lines[0].id | $labels[0][.]) as $about
        | "\($about[0]): \($about[1]) in \($fees | in_batches)"
          + if $slash == [] then "" else
            ", \($slash | total(.nopen) | open) of a slash" end
      end;

# One line a payout of the epoch, as the table shows it, in order of role.
def payout_rows:
    $epoch[0].payouts | sort_by(.role, -.nopen)[]
    | [(.account | name), (.role | role), (.nopen | open), because(.account; .role)] | join("\t");

# The epoch's payouts must be the sums of all batches' lines.
def payouts_explained:
    ([batches | .payouts[] | {account, role, nopen}] | group_by(.account, .role)
        | map({account: .[0].account, role: .[0].role, nopen: total(.nopen)})
        | sort_by(.account, .role))
    == ($epoch[0].payouts | map({account, role, nopen}) | sort_by(.account, .role));

def payouts_named: [$epoch[0].payouts[] | {account, role: (.role | role), nopen}];
