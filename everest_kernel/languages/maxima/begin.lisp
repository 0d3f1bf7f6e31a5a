(in-package :maxima)

#+sbcl (declaim (sb-ext:muffle-conditions style-warning sb-ext:compiler-note)) ; it would compile what it loads

(defvar *everest-figures* 0)

(defun everest-say (stream text)
  (let ((*print-base* 10) (*print-radix* nil) (*print-pretty* nil))
    (format stream "~a" text)
    (finish-output stream)))

(defun everest-fail (line text)
  ;; text has no line feed at its end; its first line gets the place
  (let* ((text (string-trim '(#\Newline #\Return #\Space) text))
         (end (or (position #\Newline text) (length text)))
         (place (format nil " (line ~d of the cell)" line)))
    (finish-output *standard-output*)
    (fresh-line *standard-output*)
    (everest-say *error-output* (concatenate 'string "error: " (subseq text 0 end) place (subseq text end)))
    (terpri *error-output*)
    (finish-output *error-output*)
    ($quit)))

(defun everest-message (condition)
  ;; Maxima's own errors are in a variable; others are those of Lisp
  (if (and (typep condition 'maxima-$error) (consp $error))
      (let ((text (with-output-to-string (*standard-output*) ($errormsg))))
        (if (string= (string-trim '(#\Newline #\Space) text) "") "error" text))
      (format nil "~a" condition)))

(defun everest-evaluate (expression)
  ;; the value, and what went wrong
  (let ((errcatch t) (reason "the cell left the statement"))
    (declare (special errcatch))
    (let ((result (catch 'macsyma-quit
                    (handler-case (prog1 (list (toplevel-macsyma-eval expression)) (setq reason nil))
                      (serious-condition (condition) (setq reason (everest-message condition)) nil)))))
      (values (if reason nil (car result)) reason))))

(defun everest-rest (stream)
  ;; line feeds that the parser has not come to
  (loop for c = (read-char stream nil nil) while c count (char= c #\Newline)))

(defun everest-parse (line text)
  (let* ((stream (make-string-input-stream text))
         (said (make-string-output-stream))
         (result (let ((*error-output* said) (*standard-output* said))
                   (catch 'macsyma-quit
                     (handler-case (list (mread stream nil))
                       (serious-condition (c) (format said "~a" c) nil))))))
    (if (and (consp result) (consp (car result)))
        (third (car result))
        (let* ((message (get-output-stream-string said))
               (begin (search "incorrect syntax" message)))
          (everest-fail (+ line (- (count #\Newline text) (everest-rest stream)))
                        (cond (begin (subseq message begin (position #\Newline message :start begin)))
                              ((string= message "") "incorrect syntax: the end of the statement is missing")
                              (t message)))))))

(defun everest-statement (line text shown)
  (let ((expression (everest-parse line text)))
    (setq $__ expression)
    (multiple-value-bind (value reason) (everest-evaluate expression)
      (when reason (everest-fail line reason))
      (setq $% value $_ expression)
      (when shown
        (multiple-value-bind (ignored reason) (everest-show value)
          (declare (ignore ignored))
          (when reason (everest-fail line reason))))
      (finish-output *standard-output*))))

(defun everest-show (value)
  (let ((errcatch t) (reason nil))
    (declare (special errcatch))
    (catch 'macsyma-quit
      (handler-case (progn (displa (list '(mlabel) nil value)) (fresh-line))
        (serious-condition (condition) (setq reason (everest-message condition)))))
    (values nil reason)))

(defun everest-lisp (line text)
  (handler-case
      (let* ((*package* *package*) (value (eval (read-from-string text))))
        (format t "~s~%" value)
        (finish-output))
    (serious-condition (condition) (everest-fail line (format nil "~a" condition)))))

;; Values: integers and texts as they are, other things as lists with a keyword at the head

(defun everest-value (x)
  (if (atom x)
      x
      (ecase (car x)
        (:true t)
        (:false nil)
        (:zero (* -1.0d0 0.0d0)) ; not every Lisp reads the sign of a zero
        (:float (coerce (* (second x) (expt 2 (third x))) 'double-float))
        (:ratio (list '(rat simp) (second x) (third x)))
        (:complex (add (everest-value (second x)) (mul (everest-value (third x)) '$%i)))
        (:list (cons '(mlist simp) (mapcar #'everest-value (cdr x))))
        (:matrix (cons '($matrix simp)
                       (mapcar #'(lambda (row) (cons '(mlist simp) (mapcar #'everest-value row))) (cdr x)))))))

(defun everest-symbol (name)
  (third (mread (make-string-input-stream (concatenate 'string name ";")) nil)))

(defun everest-set (name value)
  (let ((symbol (everest-symbol name)))
    (multiple-value-bind (ignored reason)
        (everest-evaluate (list '(msetq) symbol (list '(mquote) (everest-value value))))
      (declare (ignore ignored))
      (when reason
        (everest-fail 1 (format nil "~a cannot be set: ~a" name (string-trim '(#\Newline) reason)))))))

;; A question would wait for an answer that nobody gives

(defmacro everest-replace (name arguments &body body)
  `(setf (symbol-function ',name) #'(lambda ,arguments ,@body)))

(defun everest-question (message)
  (string-trim '(#\Newline #\Space)
               (with-output-to-string (*standard-output*)
                 (cond ((null message))
                       ((atom message) (princ message))
                       ((eq (caar message) 'mtext) (let (($display2d nil)) (displa message)))
                       (t (mformat nil "~M" message))))))

(everest-replace retrieve (message flag)
  (declare (ignore flag))
  (merror "Maxima asks: ~A~%A cell cannot answer; say it before with assume or declare"
          (everest-question message)))

(everest-replace mbreak-loop ()
  (merror "break: a cell has nothing to read from"))

(everest-replace break-dbm-loop (at)
  ;; the debugger; what led to it is said already
  (declare (ignore at))
  (error 'maxima-$error))

(everest-replace $to_lisp ()
  (merror "to_lisp: a cell has nothing to read from; a line of Lisp begins with :lisp"))

(everest-replace $read (&rest arguments)
  (declare (ignore arguments))
  (merror "read: a cell has nothing to read from"))

(everest-replace $readonly (&rest arguments)
  (declare (ignore arguments))
  (merror "readonly: a cell has nothing to read from"))

;; Plots become pictures where the cell does not say what else

(defun everest-file-option-p (option)
  (and (consp option)
       (consp (car option))
       (member (second option)
               '($svg_file $png_file $pdf_file $ps_file $gnuplot_out_file $gnuplot_term $plot_format $run_viewer))))

(defun everest-plot (plot arguments)
  (let* ((more (unless (some #'everest-file-option-p arguments)
                 (let ((file (format nil "./everest-figure-~3,'0d.svg" (incf *everest-figures*))))
                   (list (list '(mlist simp) '$svg_file file)))))
         (written (apply plot (append arguments more)))
         (script (and (consp written) (second written))))
    (cond ((and (stringp script) (search "maxout" script) (cddr written)) ; gnuplot's program, of no use to the user
           (when (probe-file script) (delete-file script))
           (cons (car written) (cddr written)))
          (t written))))

(defun everest-plotting (name)
  (when (fboundp name)
    (let ((plot (symbol-function name)))
      (setf (symbol-function name) #'(lambda (&rest arguments) (everest-plot plot arguments))))))

(mapc #'everest-plotting '($plot2d $plot3d $contour_plot $julia $mandelbrot))

;; not through a pipe, in which gnuplot would still be drawing when Maxima has ended
(meval '(($set_plot_option) ((mlist simp) $plot_format $gnuplot)))
(setq $maxima_tempdir "." *maxima-tempdir* ".")

;; the names that a front end of Maxima's has for plots in its document
(unless (fboundp '$wxplot2d) (defun $wxplot2d (&rest arguments) (apply '$plot2d arguments)))
(unless (fboundp '$wxplot3d) (defun $wxplot3d (&rest arguments) (apply '$plot3d arguments)))
