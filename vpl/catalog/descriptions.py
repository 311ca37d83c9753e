"""What editors tell about operations, aggregates and builtins: signature and sense.

Data in our own words after vpl.md sections 5, 8.3, 9.3 and 20; a test holds that every
name of the catalog is described.
"""

from typing import NamedTuple


class Description(NamedTuple):
    """How something is written, and one line on what it does."""

    signature: str
    text: str


def _table(lines: str) -> dict[str, Description]:
    """Read `signature | text` lines; the name is what stands before the bracket."""
    found = {}
    for line in lines.strip().splitlines():
        signature, text = line.split(" | ")
        found[signature.partition("(")[0]] = Description(signature, text)
    return found


OPERATION_DESCRIPTIONS = _table("""
where(condition) | Keeps the events for which the condition is true.
filter(condition) | Keeps the events for which the condition is true; the same as where.
having(condition) | Keeps the results of an aggregate for which the condition is true.
map(value) | Replaces the fields by those of a map; null drops the event.
process(call) | Evaluates a call per event; the events it emits replace the input.
within(duration) | Bounds the time of the steps before it, in event time, inclusively.
allowed_lateness(duration) | How far behind the watermark an event may be.
on(condition) | Which events of a join belong together.
limit(n) | Passes the first n events: per window, else over the life of the stream.
on_error(what) | What to do after a counted error: "null", "skip" or "dead_letter".
select(a, b: value, ..) | Replaces the fields; type and timestamp stay.
emit(a, b: value, ..) | Makes an output event; a bare name means name: name.
aggregate(name: f(value), ..) | Makes one event per window, or running per event.
trend_aggregate(name: f(..), ..) | Replaces matches by statistics over their trends.
partition_by(key, ..) | Gives everything after it one independent state per key.
order_by(value [asc|desc], ..) | Sorts the events of a window; null comes last.
first() | Passes the first event: per window, else over the life of the stream.
collect() | Makes one event of a window: `events` (array of maps) and `count`.
all() | After fork: keeps the result only if all branches produced something.
any(n) | After fork: keeps the result if n branches (1) produced something.
not(Type where condition) | Kills runs when such an event arrives; before within: absence.
context(name) | Runs the stream in a declared context, a thread of its own.
pattern(name: events => condition) | Keeps the window if the lambda is true for its events.
fork(a: .op().op(), b: .op()) | Gives the events to each branch and joins the results.
concurrent(..) | Accepted without effect; use contexts.
to(Connector, topic: value, batch: n, ..) | Sends the events to a sink, n in one array, and passes them on.
from(Connector, topic: "t", ..) | Subscribes to the events of a source.
print(value, ..) | Prints values, or the event, and passes it on.
enrich(Connector, key: value, fields: [a, b], ..) | Looks the key up and adds the fields.
window(size, sliding: s, align: true) | Collects events by duration, count or session.
tap(counter: "name", labels: [field, ..]) | Counts events in a metric and passes them on.
log(level: "info", message: value, data: value) | Writes to the log and passes the event on.
watermark(out_of_order: duration) | Lets events come out of order by so much.
distinct(key, ttl: duration) | Keeps the first event per key.
forecast(mode: "balanced", confidence: 0.5, ..) | Replaces matches by predictions of them.
score(model: "m.onnx", inputs: [a], outputs: [y]) | Runs an ONNX model per event.
""")

AGGREGATE_DESCRIPTIONS = _table("""
count(value) | Number of events, or of values that are not null.
sum(value) | Sum as float; 0.0 without values.
avg(value) | Mean, null without values.
min(value) | Least value, null without values.
max(value) | Greatest value, null without values.
stddev(value) | Sample standard deviation, null below two values.
variance(value) | Sample variance, null below two values.
median(value) | Median, linear between neighbours.
percentile(value, p) | Percentile p of 0..100, linear between neighbours.
first(value) | Value of the first event by arrival.
last(value) | Value of the last event by arrival.
ema(value, n) | Exponential moving average over n values.
count_distinct(value) | Number of different values that are not null.
collect(value) | Array of the values that are not null, in order.
count_trends() | Number of trends of a match.
count_events(alias) | Participations of events in trends.
sum_trends(alias.field) | Sum over all trends.
avg_trends(alias.field) | Sum over all trends divided by their number.
min_trends(alias.field) | Least value among the events of any trend.
max_trends(alias.field) | Greatest value among the events of any trend.
""")

BUILTIN_DESCRIPTIONS = _table("""
abs(n) | Absolute value, of the same kind.
sqrt(n) | Square root.
log(n) | Natural logarithm.
ln(n) | Natural logarithm.
log10(n) | Logarithm to base 10.
exp(n) | e to the power of n.
sin(n) | Sine of an angle in radians.
cos(n) | Cosine of an angle in radians.
tan(n) | Tangent of an angle in radians.
atan2(y, x) | Angle of the point (x, y) in radians.
floor(n) | Greatest int that is not above n.
ceil(n) | Least int that is not below n.
round(n, digits) | Rounded, halves away from zero; int without digits.
pow(a, b) | a ** b.
min(a, b, ..) | Least of the numbers, or of the elements of one array.
max(a, b, ..) | Greatest of the numbers, or of the elements of one array.
clamp(n, low, high) | n, but at least low and at most high.
sign(n) | -1, 0 or 1.
len(v) | Code points of a text, elements of an array, entries of a map.
trim(s) | The text without blanks at its ends.
lower(s) | The text in small letters.
lowercase(s) | The text in small letters.
to_lower(s) | The text in small letters.
upper(s) | The text in capital letters.
uppercase(s) | The text in capital letters.
to_upper(s) | The text in capital letters.
split(s, separator) | The parts of a text as an array.
join(array, separator) | The display texts of the elements with the separator between.
replace(s, old, new) | The text with every occurrence replaced.
starts_with(s, part) | Whether the text starts with the part.
ends_with(s, part) | Whether the text ends with the part.
contains(v, part) | Whether a text has the part, an array the value, a map the key.
substring(s, start, end) | The text from start up to end, like s[start:end].
index_of(s, part) | Position of the part in the text, -1 if absent.
repeat(s, n) | The text n times.
concat(a, b, ..) | Texts or arrays put together.
format(template, a, ..) | The template with each {} filled in order.
matches(s, regex) | Whether the regular expression is found in the text.
hash(v) | A stable 64-bit int of any value.
first(array) | First element, null if there is none.
last(array) | Last element, null if there is none.
push(array, v) | The array with v at its end.
pop(array) | The array without its last element.
reverse(array) | The elements in opposite order.
sort(array) | The elements in order.
sort_by(array, f) | The elements in the order of f(element).
get(v, key, default) | Element of an array or member of a map.
set(v, key, value) | A new array or map with one element or member set.
range(a, b) | The ints from a (0) up to, without, b.
sum(array) | Sum as float, 0.0 if empty.
avg(array) | Mean, null if empty.
variance(array) | Sample variance.
stddev(array) | Sample standard deviation.
count(array, f) | Number of elements, or of those for which f is true.
unique(array) | The different elements in order of first appearance.
flatten(array) | Nested arrays opened by one level.
zip(a, b) | Pairs of the elements of two arrays.
sliding_pairs(array) | Pairs of neighbours.
map(array, f) | f(element) for each element.
filter(array, f) | The elements for which f is true.
reduce(array, initial, f) | f(result, element) from the first element to the last.
find(array, f) | First element for which f is true.
any(array, f) | Whether f is true for some element.
all(array, f) | Whether f is true for all elements.
keys(map) | The keys as an array.
values(map) | The values as an array.
merge(a, b) | Both maps in one; the right one wins.
to_string(v) | The display text of a value.
to_int(v) | Int of a number, text or bool.
to_float(v) | Float of a number or text.
to_timestamp(v) | Timestamp of ISO text or epoch milliseconds.
to_duration(v) | Duration of text like 1h30m or of milliseconds.
parse_json(s) | The value that JSON text stands for.
to_json(v) | A value as JSON text.
type_of(v) | Name of the kind of a value.
is_null(v) | Whether the value is null.
is_int(v) | Whether the value is an int.
is_float(v) | Whether the value is a float.
is_number(v) | Whether the value is an int or a float.
is_string(v) | Whether the value is a text.
is_bool(v) | Whether the value is a bool.
is_array(v) | Whether the value is an array.
is_map(v) | Whether the value is a map.
coalesce(a, b, ..) | The first value that is not null.
if_null(a, b) | a unless it is null, else b.
now() | The time now; in simulate and test the virtual clock.
epoch_ms(timestamp) | Milliseconds since 1970.
year(timestamp) | Year, UTC.
month(timestamp) | Month 1..12, UTC.
day(timestamp) | Day of the month, UTC.
hour(timestamp) | Hour 0..23, UTC.
minute(timestamp) | Minute 0..59.
second(timestamp) | Second 0..59.
weekday(timestamp) | Day of the week, Monday is 1.
truncate_time(timestamp, duration) | The timestamp rounded down to a multiple.
millis(duration) | Milliseconds as float.
seconds(duration) | Seconds as float.
format_time(timestamp, pattern) | The timestamp as text.
""")
