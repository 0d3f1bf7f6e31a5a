(defun everest-bytes (text)
  (if (<= char-code-limit 256)
      (length text) ; a Lisp whose characters are bytes
      (loop for c across text
            sum (let ((code (char-code c)))
                  (cond ((< code 128) 1) ((< code 2048) 2) ((< code 65536) 3) (t 4))))))

(defun everest-record (out name kind text)
  (format out "~a ~a - ~d~%~a~%" name kind (everest-bytes text) text))

(defun everest-mark (out name kind others)
  ;; what records have no kind for is a dictionary with a key for what it is
  (format out "~a dict - ~d~%" name (1+ others))
  (everest-record out "%00" "str" kind))

(defun everest-minus-zero-p (x)
  (char= (char (princ-to-string x) 0) #\-)) ; not every Lisp knows by float-sign

(defun everest-write-number (x out)
  ;; two words: a number is the first, an integer, times 2 to the power of the second
  (cond ((integerp x) (princ x out) (write-string " 0" out))
        ((/= x x) (write-string "0 nan" out))
        ((> (abs x) most-positive-double-float) (write-string (if (plusp x) "1 inf" "-1 inf") out))
        ((zerop x) (write-string (if (everest-minus-zero-p x) "-0 0" "0 0") out))
        (t (multiple-value-bind (mantissa exponent sign) (integer-decode-float x)
             (princ (* sign mantissa) out)
             (write-char #\Space out)
             (princ exponent out)))))

(defun everest-hexadecimal (x)
  ;; as C writes it
  (cond ((integerp x) (format nil "~d" x))
        ((/= x x) "nan")
        ((> (abs x) most-positive-double-float) (if (plusp x) "inf" "-inf"))
        ((zerop x) (if (everest-minus-zero-p x) "-0x0p0" "0x0p0"))
        (t (multiple-value-bind (mantissa exponent sign) (integer-decode-float x)
             (format nil "~a0x~xp~d" (if (minusp sign) "-" "") mantissa exponent)))))

(defun everest-real-p (x)
  (or (floatp x) (and (integerp x) (<= (abs x) 9007199254740992))))

(defun everest-parts (x)
  ;; real and imaginary part of a number that a pair of doubles holds exactly
  (flet ((imaginary (y)
           (cond ((eq y '$%i) 1)
                 ((and (consp y) (eq (caar y) 'mtimes) (= (length y) 3) (eq (third y) '$%i) (everest-real-p (second y)))
                  (second y)))))
    (cond ((everest-real-p x) (list x 0))
          ((imaginary x) (list 0 (imaginary x)))
          ((and (consp x) (consp (car x)) (eq (caar x) 'mplus) (= (length x) 3))
           (let ((parts (cdr x)))
             (unless (everest-real-p (first parts)) (setq parts (reverse parts)))
             (when (and (everest-real-p (first parts)) (imaginary (second parts)))
               (list (first parts) (imaginary (second parts)))))))))

(defun everest-matrix-kind (items)
  ;; not by `every`, which counts through the list from its beginning in some Lisps
  (cond ((null items) "f")
        ((loop for x in items always (and (integerp x) (< (integer-length x) 64))) "i")
        ((loop for x in items always (member x '(t nil))) "b")
        ((loop for x in items always (everest-real-p x)) "f")
        ((loop for x in items always (everest-parts x)) "c")
        (t "o")))

(defun everest-put-matrix (out name rows)
  (let* ((items (mapcan #'(lambda (row) (copy-list (cdr row))) rows))
         (kind (everest-matrix-kind items))
         (letter (char kind 0)))
    (everest-mark out name "matrix" 3)
    (everest-record out "shape" "str" (format nil "~d ~d" (length rows) (if rows (length (cdar rows)) 0)))
    (everest-record out "kind" "str" kind)
    (if (string= kind "o")
        (everest-put-list out "data" items)
        (everest-record out "data" "str"
                        (with-output-to-string (text)
                          (dolist (x items)
                            (case letter
                              (#\b (princ (if x 1 0) text))
                              (#\i (princ x text))
                              (#\f (everest-write-number x text))
                              (#\c (let ((parts (everest-parts x)))
                                     (everest-write-number (first parts) text)
                                     (write-char #\Space text)
                                     (everest-write-number (second parts) text))))
                            (write-char #\Space text)))))))

(defun everest-put-list (out name items)
  (format out "~a list - ~d~%" name (length items))
  (dolist (item items) (everest-put out "-" item)))

(defun everest-put-expression (out name x)
  (let ((text (mfuncall '$string x)) (parts (everest-parts x)))
    (cond (parts (everest-record out name "complex" (format nil "~{~a ~a~}" (mapcar #'everest-hexadecimal parts))))
          (t (everest-mark out name "expression" 1)
             (everest-record out "text" "str" text)))))

(defun everest-put (out name x)
  (cond ((member x '(t nil)) (everest-record out name "bool" (if x "1" "0")))
        ((integerp x) (everest-record out name "int" (format nil "~d" x)))
        ((floatp x) (everest-record out name "float" (everest-hexadecimal x)))
        ((stringp x) (everest-record out name "str" x))
        ((symbolp x) (everest-put-expression out name x))
        ((not (and (consp x) (consp (car x)))) (throw 'everest-refused (format nil "~a" (type-of x))))
        (t (case (caar x)
             (rat (everest-record out name "rational" (format nil "~d/~d" (second x) (third x))))
             (bigfloat (everest-mark out name "bigfloat" 2)
              (everest-record out "mantissa" "int" (format nil "~d" (second x)))
              (everest-record out "exponent" "int" (format nil "~d" (- (third x) (third (car x))))))
             (mlist (everest-put-list out name (cdr x)))
             ($matrix (everest-put-matrix out name (cdr x)))
             (mrat (everest-put out name ($ratdisrep x)))
             (t (everest-put-expression out name x))))))

(defun everest-write (path mark names)
  (let ((*print-base* 10) (*print-radix* nil) (*print-pretty* nil) (*print-circle* nil) (errcatch t) ($errormsg nil))
    (declare (special errcatch))
    (with-open-file (out path :direction :output :if-exists :supersede)
      (dolist (name names)
        (let* ((symbol (everest-symbol name)) (text nil) (why nil))
          (if (not (boundp symbol))
              (everest-record out name "missing" "")
              (progn
                (setq why (catch 'everest-refused
                            (handler-case
                                (progn
                                  (setq text (with-output-to-string (s) (everest-put s name (symbol-value symbol))))
                                  nil)
                              (serious-condition (c) (everest-message c)))))
                (if why
                    (everest-record out name "refused" (format nil "a value of type ~a cannot travel" why))
                    (write-string text out))))))
      (format out "~a~%" mark))))
