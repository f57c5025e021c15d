CREATE TABLE IF NOT EXISTS classroom_class (id INTEGER PRIMARY KEY, name TEXT NOT NULL, room TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS classroom_good (id INTEGER PRIMARY KEY, name TEXT NOT NULL, cents INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS classroom_preference (
    user_id INTEGER PRIMARY KEY REFERENCES auth_user (id) ON DELETE CASCADE,
    theme TEXT NOT NULL, language TEXT NOT NULL, page_size INTEGER NOT NULL
);
INSERT OR IGNORE INTO classroom_class (id, name, room) VALUES
    (1, 'Arithmetic', '1.01'), (2, 'Drawing', '1.07'), (3, 'Geography', '2.12'),
    (4, 'History', '2.03'), (5, 'Music', '0.11'), (6, 'Reading', '1.04'), (7, 'Singing', '0.11');
INSERT OR IGNORE INTO classroom_good (id, name, cents) VALUES
    (1, 'Chalk', 120), (2, 'Exercise book', 250), (3, 'Satchel', 4900), (4, 'Globe', 7950);
CREATE TABLE IF NOT EXISTS classroom_visitor (id TEXT PRIMARY KEY, first_seen INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS classroom_visitor_first_seen ON classroom_visitor (first_seen);
CREATE TABLE IF NOT EXISTS classroom_count (
    visitor TEXT NOT NULL REFERENCES classroom_visitor (id),
    hour INTEGER NOT NULL, kind TEXT NOT NULL, page TEXT NOT NULL, times INTEGER NOT NULL,
    PRIMARY KEY (visitor, hour, kind, page)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS classroom_count_hour ON classroom_count (hour);
